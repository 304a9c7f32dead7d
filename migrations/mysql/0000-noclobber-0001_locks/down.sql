-- Each statement commits by itself, so this can be run again after it has stopped half way.
DROP TABLE IF EXISTS lock_events;
DROP TABLE IF EXISTS locks;
