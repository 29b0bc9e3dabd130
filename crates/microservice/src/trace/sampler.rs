//! Which traces are recorded: <https://opentelemetry.io/docs/specs/otel/trace/sdk/#sampler>.

use super::context::{TraceContext, TraceId};

/// `OTEL_TRACES_SAMPLER`, with its argument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sampler {
    /// The caller's decision holds, where there is a caller with a trace.
    pub(super) follows_caller: bool,
    /// The part of all other traces that is recorded, from 0 to 1.
    pub(super) ratio: f64,
}

/// The sampler's name, as the specification has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SamplerName {
    AlwaysOn,
    AlwaysOff,
    TraceIdRatio,
    ParentBasedAlwaysOn,
    ParentBasedAlwaysOff,
    ParentBasedTraceIdRatio,
}

impl SamplerName {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "always_on" => Ok(Self::AlwaysOn),
            "always_off" => Ok(Self::AlwaysOff),
            "traceidratio" => Ok(Self::TraceIdRatio),
            "parentbased_always_on" => Ok(Self::ParentBasedAlwaysOn),
            "parentbased_always_off" => Ok(Self::ParentBasedAlwaysOff),
            "parentbased_traceidratio" => Ok(Self::ParentBasedTraceIdRatio),
            _ => Err("must be always_on, always_off or traceidratio, each also with parentbased_ in front".into()),
        }
    }

    /// The sampler, whose ratio is this where the name asks for one.
    pub(super) fn with_ratio(self, ratio: f64) -> Sampler {
        let (follows_caller, ratio) = match self {
            Self::AlwaysOn => (false, 1.0),
            Self::AlwaysOff => (false, 0.0),
            Self::TraceIdRatio => (false, ratio),
            Self::ParentBasedAlwaysOn => (true, 1.0),
            Self::ParentBasedAlwaysOff => (true, 0.0),
            Self::ParentBasedTraceIdRatio => (true, ratio),
        };
        Sampler { follows_caller, ratio }
    }
}

impl Sampler {
    /// Whether a request's spans are recorded.
    pub(super) fn samples(&self, caller: Option<&TraceContext>, trace: TraceId) -> bool {
        match caller {
            Some(caller) if self.follows_caller => caller.is_sampled,
            _ => self.samples_trace(trace),
        }
    }

    /// All services with the same ratio decide the same for a trace: by the first 63 of its last 64
    /// bits, as OpenTelemetry's own libraries do.
    fn samples_trace(&self, trace: TraceId) -> bool {
        const RANGE: f64 = 9_223_372_036_854_775_808.0; // 2⁶³
        let number = trace.0.get() as u64 >> 1;
        (number as f64) < self.ratio * RANGE
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU128;

    use super::*;
    use crate::trace::context::SpanId;

    fn sampled_of(sampler: Sampler, caller: Option<bool>) -> usize {
        let trace = |number: u64| TraceId(NonZeroU128::MIN.saturating_add(u128::from(number) << 54));
        let is_sampled = |number: &u64| {
            let trace_id = trace(*number);
            let caller = caller.map(|is_sampled| TraceContext { trace_id, span_id: SpanId::random(), is_sampled });
            sampler.samples(caller.as_ref(), trace_id)
        };
        (0..1000).filter(is_sampled).count()
    }

    #[test]
    fn each_sampler_decides_as_its_name_says() {
        for (name, alone, called, called_sampled) in [
            ("always_on", 1000, 1000, 1000),
            ("always_off", 0, 0, 0),
            ("traceidratio", 256, 256, 256),
            ("parentbased_always_on", 1000, 0, 1000),
            ("parentbased_always_off", 0, 0, 1000),
            ("parentbased_traceidratio", 256, 0, 1000),
        ] {
            let sampler = SamplerName::parse(name).map(|name| name.with_ratio(0.25));
            let counts =
                sampler.map(|sampler| [None, Some(false), Some(true)].map(|caller| sampled_of(sampler, caller)));
            assert_eq!(counts, Ok([alone, called, called_sampled]), "{name}");
        }
        assert!(SamplerName::parse("jaeger_remote").is_err());
    }
}
