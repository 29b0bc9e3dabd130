//! Many clients at once, and the state they leave behind, exactly.

mod contention;
mod mixed;
