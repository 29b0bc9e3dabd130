//! What docs/OPERATIONS.md promises an operator: rights at the database, backups, upgrades, files, log lines.

mod backups;
mod files;
mod grants;
mod metrics;
mod page;
mod point_in_time;
mod proxy;
mod versions;
