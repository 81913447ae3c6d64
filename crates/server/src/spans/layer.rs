//! Notes the spans of [`TARGET`](super::TARGET) as `tracing` tells of them.
//!
//! Easiest to break: while nothing is sent a span costs nothing. So the filter says no to all of them until there is a queue, and `tracing` remembers it.

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterFn, Filtered, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::noted::{Noted, Place, Values};
use super::{QUEUE, TARGET, end, is_on};

/// What begins a trace. Everything else is a part: one that belongs to nothing, such as a write of the sweep, is not told.
const BEGIN: [&str; 2] = ["request", "mail"];

/// Notes spans.
#[derive(Clone, Copy, Debug)]
pub struct SpanLayer;

/// Decides of a span by what is known before it begins.
type Decides = FilterFn<fn(&Metadata<'_>) -> bool>;

/// The layer with its filter: nothing but our own spans, and none before they are sent.
pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> Filtered<SpanLayer, Decides, S> {
    let ours: fn(&Metadata<'_>) -> bool = |metadata| metadata.target() == TARGET && is_on();
    SpanLayer.with_filter(filter_fn(ours).with_max_level_hint(LevelFilter::INFO))
}

fn values(record: impl FnOnce(&mut Values)) -> Values {
    let mut values = Values::default();
    record(&mut values);
    values
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SpanLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let (Some(span), Some(queue)) = (context.span(id), QUEUE.get()) else { return };
        let above = span.parent().and_then(|parent| parent.extensions().get::<Noted>().map(|noted| noted.place));
        let name = attributes.metadata().name();
        if above.is_none() && !BEGIN.contains(&name) {
            return;
        }
        let values = values(|values| attributes.record(values));
        let mut noted = Noted::begin(name, above, values.parent, queue.sample());
        noted.take(values);
        span.extensions_mut().insert(noted);
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(noted) = span.extensions_mut().get_mut::<Noted>()
        {
            noted.take(values(|values| record.record(values)));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if let Some(span) = context.event_span(event)
            && let Some(noted) = span.extensions_mut().get_mut::<Noted>()
        {
            noted.happens("stage", values(|values| event.record(values)).attributes);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let noted = span.extensions_mut().remove::<Noted>();
        if let Some(noted) = noted.filter(|Noted { place: Place { sampled, .. }, .. }| *sampled) {
            end(noted.ended());
        }
    }
}
