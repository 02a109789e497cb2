//! Scenarios, each run on every engine, and load and fault runs.
