//! The order service: its name, its tables, the state that its handlers share.

use microservice::config::{AnyVariable, ConfigError};
use microservice::database::Schema;
#[cfg(feature = "pages")]
use microservice::page::PageFile;
use microservice::{Context, Route, Service};

use crate::repository::{self, Repository};
use crate::routes::ROUTES;
use crate::variables::{self, OrderLimits};

/// The state that handlers share.
pub struct OrderService {
    pub(crate) repository: Repository,
    pub(crate) limits: OrderLimits,
}

impl Service for OrderService {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ABOUT: &'static str = "The order service. Orders are JSON objects, as in orders.json and update_order.json.";
    const LICENSE: Option<&'static str> = Some(env!("CARGO_PKG_LICENSE"));
    const ROUTES: &'static [Route<Self>] = ROUTES;
    #[cfg(feature = "pages")]
    const PAGE: &'static [PageFile] = include!(concat!(env!("OUT_DIR"), "/page.rs"));
    const VARIABLES: &'static [&'static dyn AnyVariable] = variables::ALL;
    const SCHEMA: Option<Schema> = Some(repository::SCHEMA);

    fn new(context: &Context<'_>) -> Result<Self, ConfigError> {
        let repository = Repository::new(context.database()?);
        Ok(Self { repository, limits: OrderLimits::read(context)? })
    }
}
