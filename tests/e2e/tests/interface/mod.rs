//! Every endpoint as documented: what it answers when all is well, and how it refuses.

mod caching;
mod content_types;
mod cors;
mod echo;
mod head;
mod init;
mod interpreter;
mod operations;
mod paging;
mod request_ids;
mod resources;
mod walkthrough_calls;
