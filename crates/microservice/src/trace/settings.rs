//! The `OTEL_*` variables: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.
//!
//! Durations are in milliseconds there, and empty variables count as not set.

use std::borrow::Cow;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Uri};
use percent_encoding::percent_decode_str;

use super::otlp::Resource;
use super::sampler::{Sampler, SamplerName};
use crate::config::types::{self, Type};
use crate::config::{AnyVariable, ConfigError, Environment, Variable};

/// The path below `OTEL_EXPORTER_OTLP_ENDPOINT`.
const TRACES_PATH: &str = "/v1/traces";

const DISABLED: Variable<bool> =
    Variable::new("OTEL_SDK_DISABLED", types::BOOLEAN, "false", "`true`: no spans, whatever the others say");

const ENDPOINT: Variable<Uri> = Variable::without_default(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    Type { name: "url", parse: parse_endpoint },
    "http://collector:4318",
    "the OpenTelemetry collector, without TLS; spans go to `/v1/traces` below it. No spans if not set",
);

const TRACES_ENDPOINT: Variable<Uri> = Variable::without_default(
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    Type { name: "url", parse: parse_endpoint },
    "http://collector:4318/v1/traces",
    "the whole URL for spans, instead",
);

const EXPORTER: Variable<bool> =
    Variable::new("OTEL_TRACES_EXPORTER", Type { name: "choice", parse: parse_exporter }, "otlp", "`none`: no spans");

const PROTOCOL: Variable<String> = Variable::new(
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    Type { name: "choice", parse: |text| Ok(text.to_owned()) },
    JSON,
    "spans are sent as `http/json`, whatever it says; a warning names another one",
);

/// The protocol that this module has.
const JSON: &str = "http/json";

const HEADERS: Variable<HeaderMap> = Variable::without_default(
    "OTEL_EXPORTER_OTLP_HEADERS",
    Type { name: "list", parse: parse_headers },
    "authorization=Basic%20c2VjcmV0",
    "headers of the requests with spans: `name=value,…`, percent-encoded",
)
.secret();

const TIMEOUT: Variable<Duration> =
    Variable::new("OTEL_EXPORTER_OTLP_TIMEOUT", MILLISECONDS, "10000", "for one request with spans, in milliseconds");

const SERVICE_NAME: Variable<String> = Variable::without_default(
    "OTEL_SERVICE_NAME",
    types::TEXT,
    "order-service",
    "the service's name in traces; its own name if not set",
);

const RESOURCE_ATTRIBUTES: Variable<Resource> = Variable::without_default(
    "OTEL_RESOURCE_ATTRIBUTES",
    Type { name: "list", parse: parse_attributes },
    "deployment.environment.name=staging",
    "what else traces say of the process: `name=value,…`, percent-encoded",
);

const SAMPLER: Variable<SamplerName> = Variable::new(
    "OTEL_TRACES_SAMPLER",
    Type { name: "choice", parse: SamplerName::parse },
    "parentbased_always_on",
    "which traces are recorded: `always_on`, `always_off` or `traceidratio`, each also with `parentbased_` in front: \
     the caller decides where it has a trace",
);

const SAMPLER_ARGUMENT: Variable<f64> = Variable::new(
    "OTEL_TRACES_SAMPLER_ARG",
    Type { name: "text", parse: parse_ratio },
    "1.0",
    "the part of the traces that `traceidratio` records, from 0 to 1",
);

const SCHEDULE_DELAY: Variable<Duration> =
    Variable::new("OTEL_BSP_SCHEDULE_DELAY", MILLISECONDS, "5000", "between two requests with spans, in milliseconds");

const MAX_QUEUE_SIZE: Variable<usize> = Variable::new(
    "OTEL_BSP_MAX_QUEUE_SIZE",
    types::count::<1, 100_000>(),
    "2048",
    "spans that wait for their export; further ones are lost. Each takes up to 2 KiB",
);

/// What records the spans, as the conventions want it named.
const SDK: [(&str, &str); 3] = [
    ("telemetry.sdk.name", env!("CARGO_PKG_NAME")),
    ("telemetry.sdk.language", "rust"),
    ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
];

/// Enough that a burst of requests is few batches, and little enough that one is encoded in a few milliseconds.
const MAX_BATCH_SPANS: usize = 256;

/// The variables of this module.
pub(crate) const VARIABLES: &[&dyn AnyVariable] = &[
    &DISABLED,
    &EXPORTER,
    &ENDPOINT,
    &TRACES_ENDPOINT,
    &PROTOCOL,
    &HEADERS,
    &TIMEOUT,
    &SERVICE_NAME,
    &RESOURCE_ATTRIBUTES,
    &SAMPLER,
    &SAMPLER_ARGUMENT,
    &SCHEDULE_DELAY,
    &MAX_QUEUE_SIZE,
];

/// Which traces are recorded, and where their spans go.
#[derive(Debug)]
pub(crate) struct TraceSettings {
    pub(super) sampler: Sampler,
    /// None: no spans.
    pub(super) export: Option<ExportSettings>,
    pub(super) max_queue: usize,
    pub(super) max_batch: usize,
}

/// How spans reach the collector.
#[derive(Debug, Clone)]
pub(super) struct ExportSettings {
    pub(super) endpoint: Uri,
    pub(super) headers: HeaderMap,
    pub(super) timeout: Duration,
    pub(super) delay: Duration,
    pub(super) resource: Resource,
    /// The configured protocol, where it is not the one that is used.
    pub(super) ignored_protocol: Option<String>,
}

impl TraceSettings {
    /// Reads the variables, for a service of this name and version.
    pub(crate) fn read(environment: &Environment<'_>, service: &str, version: &str) -> Result<Self, ConfigError> {
        let base = environment.find(&ENDPOINT)?;
        let base = base.as_ref().map(|uri| below(uri, TRACES_PATH)).transpose()?;
        let endpoint = environment.find(&TRACES_ENDPOINT)?.or(base);
        let mut resource = vec![("service.name".to_owned(), service.to_owned())];
        resource.push(("service.version".into(), version.into()));
        // Tells replicas apart.
        resource.push(("service.instance.id".into(), format!("{:032x}", fastrand::u128(..))));
        for (name, value) in SDK {
            resource.push((name.into(), value.into()));
        }
        for (name, value) in environment.find(&RESOURCE_ATTRIBUTES)?.unwrap_or_default() {
            set(&mut resource, name, value);
        }
        if let Some(name) = environment.find(&SERVICE_NAME)? {
            set(&mut resource, "service.name".into(), name);
        }
        let export = ExportSettings {
            endpoint: endpoint.clone().unwrap_or_default(),
            headers: environment.find(&HEADERS)?.unwrap_or_default(),
            timeout: environment.get(&TIMEOUT)?,
            delay: environment.get(&SCHEDULE_DELAY)?,
            resource,
            ignored_protocol: Some(environment.get(&PROTOCOL)?).filter(|protocol| protocol != JSON),
        };
        let ratio = environment.get(&SAMPLER_ARGUMENT)?;
        let max_queue = environment.get(&MAX_QUEUE_SIZE)?;
        let is_disabled = environment.get(&DISABLED)? || !environment.get(&EXPORTER)?;
        Ok(Self {
            sampler: environment.get(&SAMPLER)?.with_ratio(ratio),
            export: (endpoint.is_some() && !is_disabled).then_some(export),
            max_queue,
            max_batch: MAX_BATCH_SPANS.min(max_queue),
        })
    }
}

/// Sets an attribute, in place of one of this name.
fn set(resource: &mut Resource, name: String, value: String) {
    resource.retain(|(known, _)| *known != name);
    resource.push((name, value));
}

/// The URL with this path behind its own.
fn below(base: &Uri, path: &str) -> Result<Uri, ConfigError> {
    let joined = format!("{}{path}", base.to_string().trim_end_matches('/'));
    joined.parse().map_err(|_| ConfigError::new(&ENDPOINT, "must be a URL without a query"))
}

/// A number of milliseconds.
const MILLISECONDS: Type<Duration> = Type {
    name: "count",
    parse: |text| {
        let milliseconds = text.parse().ok().filter(|number| (1..=3_600_000).contains(number));
        milliseconds.map(Duration::from_millis).ok_or_else(|| "must be milliseconds, from 1 to 3600000".into())
    },
};

fn parse_endpoint(text: &str) -> Result<Uri, String> {
    const FORM: &str = "must be a URL such as http://collector:4318";
    let uri: Uri = text.parse().map_err(|_| FORM)?;
    match uri.scheme_str() {
        Some("https") => {
            Err("must begin with http://: spans go to a collector on this machine or network, without TLS".into())
        }
        Some("http") if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) => {
            Err("must have no user and password: OTEL_EXPORTER_OTLP_HEADERS has them".into())
        }
        Some("http") if uri.host().is_some_and(|host| !host.is_empty()) && uri.query().is_none() => Ok(uri),
        _ => Err(FORM.into()),
    }
}

fn parse_exporter(text: &str) -> Result<bool, String> {
    match text {
        "otlp" => Ok(true),
        "none" => Ok(false),
        _ => Err("must be otlp or none".into()),
    }
}

fn parse_ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "must be a number from 0 to 1".into())
}

fn parse_headers(text: &str) -> Result<HeaderMap, String> {
    let parse = |(name, value): (String, String)| {
        let name: HeaderName = name.parse().map_err(|_| "must have names of headers")?;
        let mut value = HeaderValue::from_str(&value).map_err(|_| "must have values of headers")?;
        value.set_sensitive(true);
        Ok((name, value))
    };
    parse_attributes(text)?.into_iter().map(parse).collect()
}

/// `name=value,name=value`, percent-encoded (<https://www.w3.org/TR/baggage/#header-content>).
fn parse_attributes(text: &str) -> Result<Resource, String> {
    const FORM: &str = "must be name=value,name=value";
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or(FORM)?;
            let decode = |text: &str| percent_decode_str(text.trim()).decode_utf8().map(Cow::into_owned);
            match (decode(name), decode(value)) {
                (Ok(name), Ok(value)) if !name.is_empty() => Ok((name, value)),
                _ => Err(FORM.into()),
            }
        })
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<TraceSettings, ConfigError> {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let lookup =
            move |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        TraceSettings::read(&Environment::new(&lookup), "orders", "1.2.3")
    }

    #[test]
    fn nothing_is_exported_without_an_endpoint() {
        assert!(read(&[]).unwrap().export.is_none());
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        assert!(read(&[endpoint]).unwrap().export.is_some());
        for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")] {
            assert!(read(&[endpoint, off]).unwrap().export.is_none(), "{off:?}");
        }
        let protocol = |name| read(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", name)]).unwrap().export.unwrap();
        assert_eq!(protocol("http/json").ignored_protocol, None);
        assert_eq!(protocol("http/protobuf").ignored_protocol.as_deref(), Some("http/protobuf"));
    }

    #[test]
    fn the_path_is_added_to_the_common_endpoint_only() {
        let endpoint = |variables: &[(&str, &str)]| read(variables).unwrap().export.unwrap().endpoint.to_string();
        for base in ["http://c:4318", "http://c:4318/"] {
            assert_eq!(endpoint(&[("OTEL_EXPORTER_OTLP_ENDPOINT", base)]), "http://c:4318/v1/traces");
        }
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://d:9/x");
        assert_eq!(endpoint(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), own]), "http://d:9/x");
        assert_eq!(endpoint(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c/otel")]), "http://c/otel/v1/traces");
    }

    #[test]
    fn the_resource_has_the_services_name() {
        let resource = |variables: &[(&str, &str)]| {
            let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")];
            let mut resource = read(&[&endpoint, variables].concat()).unwrap().export.unwrap().resource;
            let instance = resource.iter().find(|(name, _)| name == "service.instance.id");
            assert!(instance.is_some_and(|(_, id)| id.len() == 32), "{resource:?}");
            resource.retain(|(name, _)| name != "service.instance.id" && !name.starts_with("telemetry.sdk."));
            resource.sort();
            resource
        };
        let expect = |pairs: &[(&str, &str)]| -> Resource {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(resource(&[]), expect(&[("service.name", "orders"), ("service.version", "1.2.3")]));
        let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a, b=1%202+%3D=,service.version=9");
        assert_eq!(
            resource(&[attributes]),
            expect(&[("b", "1 2+=="), ("service.name", "a"), ("service.version", "9")])
        );
        let named = resource(&[attributes, ("OTEL_SERVICE_NAME", "shop")]);
        assert!(named.contains(&("service.name".into(), "shop".into())), "{named:?}");
    }

    #[test]
    fn wrong_values_are_named_and_headers_are_not_shown() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c/?x=1"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:secret@c:4318"),
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_TRACES_SAMPLER", "sometimes"),
            ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
            ("OTEL_TRACES_SAMPLER_ARG", "NaN"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a b=secret"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
        ] {
            let error = read(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(name) && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn headers_are_decoded() {
        let headers = parse_headers("authorization=Basic%20YQ%3D%3D,x-tenant=shop").unwrap();
        assert_eq!(headers.get("authorization").unwrap(), "Basic YQ==");
        assert_eq!(headers.get("x-tenant").unwrap(), "shop");
    }
}
