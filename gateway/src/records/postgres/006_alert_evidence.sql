-- What an alert of the monitor rests on: counts, times and the ids of events, as JSON.
ALTER TABLE sillok_alerts ADD COLUMN evidence text;
