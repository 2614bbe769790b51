//! Rosters in one local folder, resident in memory and durable on disk.
