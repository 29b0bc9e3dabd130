//! The order service's process.

fn main() {
    microservice::run::<order_service::OrderService>();
}
