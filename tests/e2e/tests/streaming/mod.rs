//! Large bodies, in bounded memory.

mod bulk;
