//! Every endpoint as documented: its responses to valid and to invalid requests.

mod caching;
mod content_types;
mod cors;
mod description;
mod echo;
mod head;
mod init;
mod interpreter;
mod operations;
mod paging;
mod readiness;
mod request_ids;
mod resources;
mod walkthrough_calls;
