//! Writes metrics.

use std::fmt;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric, MetricEncoder,
};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Unit;

/// The bounds of the buckets of durations, in seconds: from a request without a database to a batch (`BATCH_TIMEOUT`).
const DURATION_BUCKETS: [f64; 18] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Histograms of durations, one for each set of `N` labels: names and values from fixed lists.
pub(crate) type DurationFamily<const N: usize> =
    Family<[(&'static str, &'static str); N], Histogram, fn() -> Histogram>;

/// A family without a histogram yet.
pub(crate) fn duration_family<const N: usize>() -> DurationFamily<N> {
    Family::new_with_constructor(duration_histogram)
}

/// A histogram of durations in seconds, from 0.1 ms to a minute.
pub(crate) fn duration_histogram() -> Histogram {
    Histogram::new(DURATION_BUCKETS)
}

/// Writes families of metrics, each with its description.
///
/// Names are without the suffixes `_total` and the unit's: the format adds them.
pub(crate) struct MetricWriter<'e>(DescriptorEncoder<'e>);

impl<'e> MetricWriter<'e> {
    pub(crate) fn new(encoder: DescriptorEncoder<'e>) -> Self {
        Self(encoder)
    }

    /// A value that goes up and down.
    pub(crate) fn gauge(
        &mut self,
        name: &str,
        unit: Option<&Unit>,
        help: &str,
        value: &impl EncodeGaugeValue,
    ) -> fmt::Result {
        self.begin(name, unit, help, MetricType::Gauge)?.encode_gauge(value)
    }

    /// Values that go up and down, one for each value of the label.
    pub(crate) fn gauges(
        &mut self,
        name: &str,
        unit: Option<&Unit>,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'static str, u64)>,
    ) -> fmt::Result {
        let mut family = self.begin(name, unit, help, MetricType::Gauge)?;
        for (of, value) in values {
            family.encode_family(&[(label, of)])?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// A number that only grows.
    pub(crate) fn counter(
        &mut self,
        name: &str,
        unit: Option<&Unit>,
        help: &str,
        value: &impl EncodeCounterValue,
    ) -> fmt::Result {
        let mut family = self.begin(name, unit, help, MetricType::Counter)?;
        family.encode_counter::<[(&str, &str); 0], _, u64>(value, None)
    }

    /// Numbers that only grow, one for each value of the label.
    pub(crate) fn counters(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'static str, u64)>,
    ) -> fmt::Result {
        let mut family = self.begin(name, None, help, MetricType::Counter)?;
        for (of, value) in values {
            family.encode_family(&[(label, of)])?.encode_counter::<[(&str, &str); 0], _, u64>(&value, None)?;
        }
        Ok(())
    }

    /// Facts, as labels of the value 1.
    pub(crate) fn info(&mut self, name: &str, help: &str, labels: &[(&str, &str)]) -> fmt::Result {
        self.begin(name, None, help, MetricType::Info)?.encode_info(&labels)
    }

    /// A metric of the library.
    pub(crate) fn metric<M: EncodeMetric + TypedMetric>(
        &mut self,
        name: &str,
        unit: Option<&Unit>,
        help: &str,
        metric: &M,
    ) -> fmt::Result {
        metric.encode(self.begin(name, unit, help, M::TYPE)?)
    }

    fn begin<'s>(
        &'s mut self,
        name: &'s str,
        unit: Option<&'s Unit>,
        help: &str,
        metric_type: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, help, unit, metric_type)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use prometheus_client::collector::Collector;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    /// What `write` writes about `source`.
    pub(crate) fn written<S>(source: S, write: fn(&S, &mut MetricWriter<'_>) -> fmt::Result) -> String
    where
        S: fmt::Debug + Send + Sync + 'static,
    {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Source(source, write)));
        let mut text = String::new();
        assert!(encode(&mut text, &registry).is_ok());
        text
    }

    #[derive(Debug)]
    struct Source<S>(S, fn(&S, &mut MetricWriter<'_>) -> fmt::Result);

    impl<S: fmt::Debug + Send + Sync + 'static> Collector for Source<S> {
        fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
            self.1(&self.0, &mut MetricWriter::new(encoder))
        }
    }

    #[test]
    fn families_have_their_type_unit_and_suffix() {
        let text = written((), |(), writer| {
            writer.gauge("held", Some(&Unit::Bytes), "Held", &5_u64)?;
            writer.gauges("connections", None, "Open", "state", [("idle", 1), ("used", 2)])?;
            writer.counter("lost", None, "Lost", &3_u64)?;
            writer.counter("waited", Some(&Unit::Seconds), "Waited", &0.5)?;
            writer.counters("shed", "Shed", "reason", [("memory", 4)])?;
            writer.info("build", "What it is", &[("version", "1.0")])
        });
        for line in [
            "# UNIT held_bytes bytes",
            "held_bytes 5",
            "# TYPE connections gauge",
            "connections{state=\"used\"} 2",
            "lost_total 3",
            "waited_seconds_total 0.5",
            "shed_total{reason=\"memory\"} 4",
            "# TYPE build info",
            "build_info{version=\"1.0\"} 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} in\n{text}");
        }
    }
}
