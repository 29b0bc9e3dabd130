//! Large tables and large bodies, in memory that does not grow with them.

mod bulk;
