//! The gateway between schools and offices, and the program sillok.
