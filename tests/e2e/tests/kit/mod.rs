//! The kit under other services than the order service: the kit's example, and the service that docs/OWN-SERVICE.md
//! makes.

mod page;
mod slow;
