//! The keys of every section of a workspace's files: one table from which the loader's checks, its suggestions and the help text come.

/// What may stand in one kind of mapping.
#[derive(Debug, PartialEq, Eq)]
pub struct Section {
    pub name: &'static str,
    pub keys: &'static [KeySpec],
}

#[derive(Debug, PartialEq, Eq)]
pub struct KeySpec {
    pub name: &'static str,
    pub takes: Takes,
    pub doc: &'static str,
    pub state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ready,
    /// Specified, and refused by this version with a precise message.
    Later,
}

/// The kind of value behind a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Text,
    /// Text, or a text per language.
    Title,
    Bool,
    Whole,
    Number,
    /// A number, or a number with a unit.
    Literal,
    Duration,
    Time,
    /// A name or a list of names.
    Names,
    /// Members by their names.
    Members,
    List,
    Mapping,
    Any,
}

impl Section {
    pub fn key(&self, name: &str) -> Option<&'static KeySpec> {
        self.keys.iter().find(|key| key.name == name)
    }

    pub fn ready_keys(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().filter(|key| key.state == State::Ready).map(|key| key.name)
    }
}

const fn key(name: &'static str, takes: Takes, doc: &'static str) -> KeySpec {
    KeySpec { name, takes, doc, state: State::Ready }
}

const fn later(name: &'static str, takes: Takes, doc: &'static str) -> KeySpec {
    KeySpec { name, takes, doc, state: State::Later }
}

/// Keys in the order in which importers write them.
macro_rules! sections {
    ($($(#[$doc:meta])* $id:ident = $name:literal { $($key:expr),* $(,)? })*) => {
        $($(#[$doc])* pub static $id: Section = Section { name: $name, keys: &[$($key),*] };)*
        /// All sections but those of members.
        pub static SECTIONS: &[&Section] = &[$(&$id),*];
    };
}

/// What describes a value, whatever holds it.
macro_rules! member {
    ($id:ident, $name:literal, [$($more:expr),* $(,)?]) => {
        pub static $id: Section = Section { name: $name, keys: &[
            key("type", Takes::Text, "the value type, or a name from schemas/shared.yaml"),
            key("unit", Takes::Text, "the unit of a number: a symbol or a name"),
            later("unitFrom", Takes::Text, "a property of type unit that names the unit per twin"),
            key("min", Takes::Literal, "the smallest value"),
            key("max", Takes::Literal, "the largest value"),
            key("exclusiveMin", Takes::Literal, "values must be larger"),
            key("exclusiveMax", Takes::Literal, "values must be smaller"),
            key("multipleOf", Takes::Literal, "values are whole multiples of this"),
            key("minLength", Takes::Whole, "the fewest characters"),
            key("maxLength", Takes::Whole, "the most characters; 4096 unless stated"),
            key("pattern", Takes::Text, "a regular expression that matches the whole text"),
            key("format", Takes::Text, "uri, uuid, email, ipv4, ipv6 or hostname"),
            key("values", Takes::Any, "the values of an enum: a list, or a mapping to what the wire says"),
            key("geo", Takes::Text, "the geometry: point, lineString, polygon, …"),
            key("mediaType", Takes::Text, "the media type of bytes"),
            key("maxBytes", Takes::Whole, "the most bytes; 1 MiB unless stated"),
            key("fields", Takes::Members, "the fields of an object"),
            key("items", Takes::Any, "the items of an array"),
            key("minItems", Takes::Whole, "the fewest items"),
            key("maxItems", Takes::Whole, "the most items; 1024 unless stated"),
            key("unique", Takes::Bool, "of an array: no item twice; of a property: no two twins with one value"),
            key("entries", Takes::Any, "the values of a map"),
            key("kind", Takes::Text, "of a unit: the kind of quantity it measures"),
            key("title", Takes::Title, "what people read"),
            key("description", Takes::Title, "more of it"),
            $($more),*
        ] };
    };
}

member!(
    PROPERTY,
    "property",
    [
        key("required", Takes::Bool, "every twin has a value"),
        key("default", Takes::Any, "the value of twins that say nothing"),
        key("wire", Takes::Text, "the name in payloads"),
        key("deprecated", Takes::Text, "what to use instead"),
        key("sync", Takes::Text, "none, reported or desired"),
        key("sensitive", Takes::Bool, "hidden from roles below operator"),
        key("immutable", Takes::Bool, "set at creation only"),
        key("decimals", Takes::Whole, "digits after the point that people see"),
        later("override", Takes::Bool, "narrows an inherited member"),
        later("was", Takes::Text, "the former name"),
    ]
);

member!(
    TELEMETRY,
    "telemetry",
    [
        key("outside", Takes::Text, "what becomes of a value outside its constraints: bad or reject"),
        key("every", Takes::Duration, "the expected period"),
        key("stale", Takes::Duration, "the age after which a reading is stale; 3 × every unless stated"),
        key("history", Takes::Text, "all, changes or none"),
        key("decimals", Takes::Whole, "digits after the point that people see"),
        key("reorder", Takes::Duration, "how long rules wait for older readings"),
        key("lateness", Takes::Duration, "how long a window may be corrected; 1h unless stated"),
        key("duplicates", Takes::Text, "another value at the same time: last, first or reject"),
        key("maxAge", Takes::Duration, "older readings go to the history only"),
        key("wire", Takes::Text, "the name in payloads"),
        key("deprecated", Takes::Text, "what to use instead"),
        later("annotates", Takes::Text, "the telemetry that this one describes"),
        later("override", Takes::Bool, "narrows an inherited member"),
        later("was", Takes::Text, "the former name"),
    ]
);

member!(FIELD, "field", [key("required", Takes::Bool, "the field is always there"), key("wire", Takes::Text, "the name in payloads"),]);

member!(ITEM, "items", []);

member!(SHARED, "shared type", []);

sections! {
    TYPE_FILE = "type file" {
        key("type", Takes::Text, "the name, equal to the file's"),
        key("version", Takes::Number, "3 or 3.1; 1 unless stated"),
        key("kind", Takes::Text, "ASSET or DEVICE"),
        key("abstract", Takes::Bool, "has no twins of its own"),
        key("extends", Takes::Names, "the parent type"),
        key("title", Takes::Title, "what people read"),
        key("description", Takes::Title, "more of it"),
        key("icon", Takes::Text, "the name of an icon"),
        key("reorder", Takes::Duration, "for all telemetry of the type"),
        key("lateness", Takes::Duration, "for all telemetry of the type"),
        key("duplicates", Takes::Text, "for all telemetry of the type"),
        key("maxAge", Takes::Duration, "for all telemetry of the type"),
        key("properties", Takes::Members, "slow: what it is and how it is set"),
        key("telemetry", Takes::Members, "fast: what it measures"),
        key("computed", Takes::Members, "follows from the others"),
        key("rollups", Takes::Members, "follows from its relations"),
        key("events", Takes::Mapping, "what it may report as having happened"),
        key("commands", Takes::Mapping, "what it can be asked"),
        later("components", Takes::Members, "parts by value"),
        key("relations", Takes::Mapping, "links to other twins"),
        later("checks", Takes::List, "conditions between members"),
        key("alarmArea", Takes::Bool, "alarms of its twins and of all below them are counted there, and told in sums in a flood"),
        key("rules", Takes::List, "alarms and what follows from readings"),
        key("disable", Takes::Names, "inherited rules that do not hold here"),
        later("machines", Takes::List, "state machines"),
        later("models", Takes::List, "attached models"),
        key("tests", Takes::List, "examples that must come true"),
        later("migrations", Takes::List, "how older twins become these"),
    }
    TEST = "test of a type" {
        key("name", Takes::Text, "what it shows"),
        key("given", Takes::Mapping, "properties of the twin"),
        key("steps", Takes::List, "what comes in, and what shall have come of it"),
    }
    TEST_STEP = "step of a test" {
        key("at", Takes::Duration, "since the beginning, which is 2026-01-01T00:00:00Z, a Thursday"),
        key("values", Takes::Mapping, "readings and properties; they may also stand in the step itself"),
        key("event", Takes::Text, "an event of the type that happens, behind the readings"),
        key("data", Takes::Any, "of `event`: what is said of it"),
        key("acknowledge", Takes::Text, "a rule whose alarm an operator acknowledges"),
        key("clear", Takes::Text, "a rule whose alarm an operator clears"),
        key("reset", Takes::Text, "a rule whose latch an operator takes off"),
        key("shelve", Takes::Text, "a rule whose alarm an operator puts aside, until it next returns to normal"),
        key("for", Takes::Duration, "of `shelve`: for so long"),
        key("unshelve", Takes::Text, "a rule whose alarm an operator takes back from the shelf"),
        key("expect", Takes::Mapping, "rules with their conditions, members with their values, and what is said of the alarm"),
    }
    EXPECT = "expectation of a test" {
        key("condition", Takes::Text, "of the rule: NORMAL, PENDING, ACTIVE, RECOVERING or NO_DATA"),
        key("severity", Takes::Text, "of the latest alarm"),
        key("level", Takes::Whole, "of the latest alarm; 0 is the rule itself"),
        key("acknowledged", Takes::Bool, "whether the latest alarm is"),
        key("raised", Takes::Whole, "how often so far"),
        key("raisedAt", Takes::Duration, "of the latest alarm, since the beginning"),
        key("clearedAt", Takes::Duration, "of the latest alarm, since the beginning; null: not yet"),
        key("suppression", Takes::Text, "of the alarm: NONE, SHELVED, BY_DESIGN or OUT_OF_SERVICE"),
        key("state", Takes::Text, "of a detector: the state it is in"),
        key("variables", Takes::Mapping, "of a detector, by name; null: it has no value"),
        key("timers", Takes::Mapping, "of a detector, by name: when they run out, since the beginning; null: it does not run"),
        key("events", Takes::List, "what rules have emitted so far: names, or {emit: overheated, data: {…}}"),
        key("actions", Takes::List, "what rules have asked others for so far, as in `do`: {webhook: maintenance}"),
    }
    EXPECTED_ACTION = "expected action" {
        key("emit", Takes::Text, "the event"),
        key("data", Takes::Any, "what it says; it may say more"),
        key("publish", Takes::Text, "the topic"),
        key("payload", Takes::Any, "what is published; it may say more"),
        key("qos", Takes::Whole, "0, 1 or 2"),
        key("retain", Takes::Bool, "whether the broker keeps it"),
        key("webhook", Takes::Text, "its name in pollux.toml"),
        key("body", Takes::Any, "what it is sent; it may say more"),
        key("command", Takes::Text, "the command"),
        key("args", Takes::Mapping, "its arguments; there may be more"),
        key("twin", Takes::Text, "who is to do it: this, parent, or a relation"),
        key("raise", Takes::Text, "on whom an alarm is raised: this, parent, or a relation"),
        key("id", Takes::Text, "of `raise`: the alarm"),
        key("severity", Takes::Text, "of `raise`"),
        key("text", Takes::Text, "of `raise`"),
        key("over", Takes::Bool, "of `raise`: it is taken back"),
    }
    COMPUTED = "computed value" {
        key("value", Takes::Text, "an expression over other members"),
        key("unit", Takes::Text, "the unit of the result, if not its own"),
        key("title", Takes::Title, "what people read"),
        key("description", Takes::Title, "more of it"),
        key("deprecated", Takes::Text, "what to use instead"),
        key("decimals", Takes::Whole, "digits after the point that people see"),
        key("of", Takes::Text, "the member that a window looks at"),
        key("agg", Takes::Text, "what a window makes of its readings"),
        key("window", Takes::Mapping, "which readings"),
        key("q", Takes::Number, "of `quantile`: the share, from 0 to 1; the median unless stated"),
        key("per", Takes::Duration, "of `rate` and `slope`: the time they count for; a second unless stated"),
        key("interpolate", Takes::Text, "of `timeAvg` and `integral`: step or linear"),
        key("counter", Takes::Bool, "of `delta` and `rate`: a fall is a reset"),
        key("sample", Takes::Bool, "of `variance` and `stddev`: of a sample, not of all there are"),
        later("override", Takes::Bool, "narrows an inherited member"),
    }
    ROLLUP = "roll-up" {
        key("of", Takes::Text, "what each contributes: a member, or an expression over its members"),
        key("over", Takes::Text, "a relation or the inverse of one; contains unless stated"),
        key("types", Takes::Names, "the types it goes over; all that have it unless stated"),
        key("depth", Takes::Any, "1, or all: those below those, too"),
        key("agg", Takes::Text, "sum, avg, weightedAvg, stddev, min, max, count, any, all or worstSeverity"),
        key("where", Takes::Text, "only those for which this is true"),
        key("minCoverage", Takes::Number, "the share that must be known; 0.5 unless stated"),
        key("weight", Takes::Text, "the property of the edges that weighs"),
        key("coalesce", Takes::Duration, "how long changes are gathered; 250ms unless stated"),
        key("unit", Takes::Text, "the unit of the result, if not that of `of`"),
        key("title", Takes::Title, "what people read"),
        key("description", Takes::Title, "more of it"),
        key("deprecated", Takes::Text, "what to use instead"),
        key("decimals", Takes::Whole, "digits after the point that people see"),
    }
    WINDOW = "window" {
        key("tumbling", Takes::Duration, "one after another, each so long"),
        key("hopping", Takes::Duration, "so long, and a new one `every` so often"),
        key("sliding", Takes::Duration, "the last so long, at every reading"),
        key("count", Takes::Whole, "the last so many readings"),
        key("session", Takes::Duration, "readings without a longer gap than this"),
        key("state", Takes::Text, "while this condition holds"),
        key("resetBy", Takes::Text, "since this condition last became true"),
        key("every", Takes::Any, "how often a new one begins, or a result is given"),
        key("max", Takes::Duration, "of a session: the longest"),
        key("offset", Takes::Duration, "moves where they begin"),
        key("zone", Takes::Text, "the time zone whose days and hours they follow; UTC unless stated"),
        key("closed", Takes::Text, "start or end: which end belongs to it"),
        key("early", Takes::Duration, "provisional results in this interval"),
        key("lateness", Takes::Duration, "how long after its end it can be corrected; as the member says, or an hour"),
        key("since", Takes::Text, "since this event last happened"),
    }
    RULE = "rule" {
        key("id", Takes::Text, "its name, unique in the type"),
        key("when", Takes::Text, "the condition, an expression that is true or false"),
        key("noData", Takes::Mapping, "instead of a condition: silence"),
        key("pattern", Takes::Mapping, "instead of a condition: one thing after another, absence, repetition"),
        key("severity", Takes::Text, "INFO, WARNING, MINOR, MAJOR or CRITICAL; WARNING unless stated"),
        key("levels", Takes::List, "worse conditions above this one, in rising order"),
        key("deadband", Takes::Literal, "how far the limit is relaxed while active"),
        key("clearWhen", Takes::Text, "instead of a deadband: the condition to leave"),
        key("onDelay", Takes::Duration, "how long the condition must hold"),
        key("offDelay", Takes::Duration, "how long it must not hold any more"),
        key("latch", Takes::Bool, "stays until it is reset"),
        key("acknowledge", Takes::Text, "required or no"),
        key("reAlarm", Takes::Duration, "acknowledged and still active after this: announced again"),
        key("clearAfter", Takes::Duration, "of patterns: clears by itself"),
        key("onUnknown", Takes::Text, "keep, alarm or ok: what an unknown condition counts as"),
        key("accept", Takes::Text, "good or uncertain: the worst quality that counts as known"),
        key("active", Takes::Any, "the hours in which it is evaluated"),
        key("at", Takes::Mapping, "the only instants at which it is evaluated"),
        key("suppressedBy", Takes::Text, "a condition under which its alarms are suppressed"),
        key("params", Takes::Mapping, "values that subtypes and twins may change"),
        key("title", Takes::Text, "what people read"),
        key("text", Takes::Text, "of its alarms; {expressions} in braces"),
        key("alarm", Takes::Bool, "false: only the actions"),
        key("enabled", Takes::Bool, "false: it is not evaluated"),
        key("override", Takes::Bool, "changes the settings of an inherited rule"),
        key("reorder", Takes::Duration, "how long it waits for older readings; as its members unless stated"),
        key("do", Takes::List, "what is done when it is raised"),
        key("onClear", Takes::List, "what is done when it clears"),
        key("onLevel", Takes::List, "what is done when its level changes"),
        key("onAcknowledge", Takes::List, "what is done when somebody has seen it"),
        key("states", Takes::Mapping, "instead of a condition: a detector, by its states"),
        key("initial", Takes::Text, "the first state of a detector"),
        key("mode", Takes::Text, "of a detector: batch or serial; batch unless stated"),
        key("variables", Takes::Mapping, "of a detector: names with their initial values"),
        key("detector", Takes::Text, "instead of a condition: a file below detectors/, as it was exported elsewhere"),
        key("sinks", Takes::Mapping, "of such a file: where what it sends goes, by its targets"),
    }
    STATE = "state of a detector" {
        key("onEnter", Takes::List, "what is done when it is entered"),
        key("onInput", Takes::List, "what is looked at whenever something comes in, or a timer runs out"),
        key("onExit", Takes::List, "what is done when it is left"),
    }
    ENTRY = "entry of a state" {
        key("when", Takes::Text, "the condition; always, unless stated"),
        key("do", Takes::List, "steps and actions, in order"),
        key("goto", Takes::Text, "of onInput: the state that is next"),
    }
    TIMER_STEP = "step with a timer" {
        key("timer", Takes::Text, "its name"),
        key("set", Takes::Any, "runs out after so long: a duration, or an expression for one or for seconds"),
        key("reset", Takes::Bool, "begins anew, as long as it last was"),
        key("clear", Takes::Bool, "is forgotten"),
    }
    VARIABLE_STEP = "step with a variable" {
        key("var", Takes::Text, "its name"),
        key("value", Takes::Text, "what it is set to, an expression"),
    }
    RAISE_STEP = "step that raises the alarm" {
        key("raise", Takes::Bool, "true"),
        key("severity", Takes::Text, "INFO, WARNING, MINOR, MAJOR or CRITICAL; that of the rule unless stated"),
        key("text", Takes::Text, "{expressions} in braces; that of the rule unless stated"),
    }
    CLEAR_STEP = "step that clears the alarm" {
        key("clear", Takes::Bool, "true"),
    }
    SINK = "sink of an imported detector" {
        key("publish", Takes::Text, "a topic of MQTT"),
        key("webhook", Takes::Text, "a webhook of pollux.toml"),
        key("command", Takes::Text, "a command of the type"),
        key("emit", Takes::Text, "an event of the type"),
    }
    LEVEL = "level of a rule" {
        key("when", Takes::Text, "the condition"),
        key("severity", Takes::Text, "the severity at this level"),
        key("text", Takes::Text, "of the alarm at this level"),
        key("do", Takes::List, "what is done when it is reached"),
    }
    PARAM = "parameter of a rule" {
        key("default", Takes::Any, "its value: a number with a unit, or an expression over properties"),
        key("title", Takes::Title, "what people read"),
        later("min", Takes::Literal, "the smallest value"),
        later("max", Takes::Literal, "the largest value"),
    }
    TWIN_RULE = "rule of a twin" {
        key("params", Takes::Mapping, "values that are others here"),
        key("enabled", Takes::Bool, "false: it is not evaluated here"),
    }
    EVENT = "event" {
        key("severity", Takes::Text, "INFO, WARNING, MINOR, MAJOR or CRITICAL; INFO unless stated"),
        key("title", Takes::Title, "what people read"),
        key("description", Takes::Title, "more of it"),
        later("fields", Takes::Members, "what it says"),
    }
    COMMAND = "command" {
        key("idempotent", Takes::Bool, "to do it twice is to do it once"),
        key("title", Takes::Title, "what people read"),
        key("description", Takes::Title, "more of it"),
        later("request", Takes::Members, "what is said with it"),
        later("response", Takes::Members, "what is answered"),
        later("timeout", Takes::Duration, "how long an answer may take"),
        later("cacheable", Takes::Duration, "how long an answer counts"),
    }
    ACTION = "action" {
        key("set", Takes::Text, "a property of the twin"),
        key("value", Takes::Text, "to what: an expression"),
        key("emit", Takes::Text, "an event of the type"),
        key("data", Takes::Text, "what it says: an expression"),
        key("publish", Takes::Text, "an MQTT topic; {expressions} in braces"),
        key("payload", Takes::Text, "what is published: an expression; the alarm unless stated"),
        key("qos", Takes::Whole, "0, 1 or 2; 1 unless stated"),
        key("retain", Takes::Bool, "whoever subscribes later gets it, too"),
        key("webhook", Takes::Text, "a [[webhook]] of pollux.toml"),
        key("body", Takes::Text, "what it is told: an expression; the alarm unless stated"),
        key("command", Takes::Text, "a command of the twin, or of `twin`"),
        key("args", Takes::Mapping, "what is said with it: expressions by name"),
        key("twin", Takes::Text, "this, parent, or a relation whose one target is meant"),
        key("raise", Takes::Text, "an alarm on parent, or on a related twin"),
        key("id", Takes::Text, "the id of that alarm"),
        key("severity", Takes::Text, "of that alarm; WARNING unless stated"),
        key("text", Takes::Text, "of that alarm; {expressions} in braces"),
    }
    NO_DATA = "silence" {
        key("of", Takes::Names, "the telemetry that is listened for; of several, all must be silent"),
        key("missed", Takes::Whole, "so many readings in a row; 3 unless stated"),
        key("after", Takes::Duration, "instead: so long after the last reading"),
        key("sinceCreation", Takes::Bool, "counts from the creation of the twin, not from the first reading"),
    }
    PATTERN = "pattern" {
        key("sequence", Takes::List, "conditions that come true one after another"),
        key("after", Takes::Text, "a condition that wants an answer"),
        key("absent", Takes::Text, "the answer that does not come"),
        key("repeat", Takes::Text, "a condition that comes true again and again"),
        key("times", Takes::Whole, "so often"),
        key("within", Takes::Duration, "in so long"),
    }
    ACTIVE = "hours of a rule" {
        key("days", Takes::Names, "MON to SUN; every day unless stated"),
        key("from", Takes::Text, "the time of day at which they begin"),
        key("to", Takes::Text, "the time of day at which they end; at or before `from`: on the next day"),
        key("zone", Takes::Text, "the time zone; UTC unless stated"),
    }
    AT = "instants of a rule" {
        key("cron", Takes::Text, "five fields: minute, hour, day of month, month, day of week"),
        key("every", Takes::Duration, "instead: whole multiples of this"),
        key("zone", Takes::Text, "the time zone; UTC unless stated"),
    }
    RELATIONS_FILE = "schemas/relations.yaml" {
        key("relations", Takes::Mapping, "the relations that more than one type uses"),
    }
    RELATION = "relation" {
        key("inverse", Takes::Text, "its name seen from the other end"),
        key("hierarchy", Takes::Bool, "at most one parent, no cycle"),
        key("symmetric", Takes::Bool, "direction means nothing"),
        key("properties", Takes::Members, "what an edge says of itself"),
        key("title", Takes::Title, "what people read"),
        key("description", Takes::Title, "more of it"),
    }
    TYPE_RELATION = "relation of a type" {
        key("to", Takes::Any, "the types it leads to: a name, a list, `any`, or names with min and max"),
        key("min", Takes::Whole, "the fewest outgoing edges"),
        key("max", Takes::Whole, "the most outgoing edges"),
        key("inverseMin", Takes::Whole, "the fewest incoming edges"),
        key("inverseMax", Takes::Whole, "the most incoming edges"),
        key("inverse", Takes::Text, "its name seen from the other end"),
        key("hierarchy", Takes::Bool, "at most one parent, no cycle"),
        key("symmetric", Takes::Bool, "direction means nothing"),
        key("properties", Takes::Members, "what an edge says of itself"),
        key("title", Takes::Title, "what people read"),
        key("description", Takes::Title, "more of it"),
        later("override", Takes::Bool, "narrows an inherited relation"),
    }
    TARGET = "target type" {
        key("min", Takes::Whole, "the fewest edges to twins of this type"),
        key("max", Takes::Whole, "the most edges to twins of this type"),
    }
    TWINS_FILE = "twins file" {
        key("twins", Takes::List, "twins"),
        key("bindings", Takes::List, "bindings of topics to twins"),
        later("apply", Takes::Text, "strict: removal from the file is deletion"),
    }
    TWIN = "twin" {
        key("id", Takes::Text, "the id, unique in the workspace"),
        key("type", Takes::Text, "its type"),
        key("name", Takes::Text, "what people call it; the id unless stated"),
        key("properties", Takes::Mapping, "values of its properties"),
        key("externalIds", Takes::Mapping, "its ids in other systems, by name space"),
        key("relations", Takes::Mapping, "its outgoing edges, by relation"),
        key("observes", Takes::List, "the assets that this device measures"),
        key("in", Takes::Any, "the twin that contains it"),
        key("contains", Takes::List, "its children, written in place"),
        later("position", Takes::Mapping, "its place in a scene"),
        later("attachments", Takes::List, "models of this twin"),
        key("rules", Takes::Mapping, "parameters of rules, and rules that are off, for this twin"),
    }
    REFERENCE = "reference to a twin" {
        key("externalId", Takes::Mapping, "an id in another system, by name space"),
    }
    EDGE = "edge" {
        key("to", Takes::Any, "the twin it leads to"),
        key("validFrom", Takes::Time, "since when it holds"),
        key("validTo", Takes::Time, "until when it holds, half open"),
    }
    OBSERVES = "observes entry" {
        key("asset", Takes::Any, "the twin that is measured"),
        key("map", Takes::Any, "names that are the same on both sides, or names to names"),
        key("priority", Takes::Whole, "which of two devices counts; the larger one"),
        key("validFrom", Takes::Time, "since when it holds"),
        key("validTo", Takes::Time, "until when it holds, half open"),
    }
    OBSERVES_TARGET = "observes mapping" {
        key("to", Takes::Text, "the telemetry of the asset"),
        later("value", Takes::Text, "an expression"),
    }
    BINDING = "binding" {
        key("id", Takes::Text, "the id, unique in the workspace"),
        key("source", Takes::Text, "mqtt, http, or the name of a broker in pollux.toml"),
        key("topic", Takes::Text, "a pattern: {name} is one level, {name...} the rest"),
        key("twin", Takes::Any, "the id of the twin, from the topic or the payload"),
        key("codec", Takes::Text, "how the payload is written; json unless stated"),
        key("time", Takes::Mapping, "where the time stands"),
        key("quality", Takes::Mapping, "where the quality stands"),
        key("map", Takes::List, "what goes where; a native payload unless stated"),
        key("unknownTwin", Takes::Any, "reject, quarantine or {provision: Type, in: twin}"),
        key("unmapped", Takes::Any, "count, reject or {json: member}"),
    }
    BINDING_TWIN = "twin of a binding" {
        key("externalId", Takes::Mapping, "a name space and the id in it"),
        key("path", Takes::Text, "where the id stands in the payload"),
    }
    BINDING_TIME = "time of a binding" {
        key("path", Takes::Text, "where it stands in the payload"),
        key("format", Takes::Text, "rfc3339, unix, unixMillis, unixMicros or a strftime pattern"),
        key("zone", Takes::Text, "the time zone of a pattern without one"),
    }
    BINDING_QUALITY = "quality of a binding" {
        key("path", Takes::Text, "where it stands in the payload"),
        key("good", Takes::List, "codes that mean good"),
        key("uncertain", Takes::List, "codes that mean uncertain"),
    }
    BINDING_MAP = "entry of `map`" {
        key("path", Takes::Text, "where the value stands in the payload"),
        key("to", Takes::Text, "the telemetry, or a leaf of one"),
        key("unit", Takes::Text, "the unit in the payload"),
        key("scale", Takes::Number, "what the sent number is multiplied by"),
        key("offset", Takes::Number, "what is added after that"),
        key("values", Takes::Mapping, "sent texts and what they mean"),
        key("each", Takes::Mapping, "for each element that the path selects"),
    }
    BINDING_EACH = "`each`" {
        key("time", Takes::Mapping, "where the time stands in an element"),
        key("quality", Takes::Mapping, "where the quality stands in an element"),
        key("map", Takes::List, "what goes where"),
    }
    PROVISION = "`unknownTwin`" {
        key("provision", Takes::Text, "the type of the new twin"),
        key("in", Takes::Any, "the twin that contains it"),
    }
    UNMAPPED = "`unmapped`" {
        key("json", Takes::Text, "the member that takes what is left"),
    }
    MODEL_FILE = "models/*/model.yaml" {
        key("model", Takes::Text, "the name of the model"),
        key("version", Takes::Text, "of this file; what is registered under it never changes"),
        key("title", Takes::Text, "what people read"),
        key("file", Takes::Text, "the ONNX file beside this one"),
        key("sha256", Takes::Text, "of the ONNX file, if it is to be checked"),
        key("licence", Takes::Text, "of the model"),
        key("trainedOn", Takes::Text, "what it has learned from"),
        key("metrics", Takes::Mapping, "how good it was, by name"),
        key("backend", Takes::Text, "auto, ort, tract or trees; auto unless stated"),
        key("features", Takes::Mapping, "what it needs from a twin; an attachment binds these names"),
        key("inputs", Takes::Mapping, "the tensors of the file, made of features"),
        key("scale", Takes::Mapping, "how features are scaled before they go in"),
        key("outputs", Takes::Mapping, "what comes out, by the names that an attachment binds"),
        key("trigger", Takes::Mapping, "when it runs; at every new reading unless stated"),
        key("run", Takes::Mapping, "batches, queue and time-outs"),
        key("monitor", Takes::Mapping, "what it was trained on, to notice when the world has changed"),
        key("golden", Takes::Mapping, "rows with their answers, to prove that it runs as it did"),
        later("http", Takes::Mapping, "an endpoint that answers instead of a file"),
    }
    FEATURE = "feature" {
        key("unit", Takes::Text, "the unit that the model was trained on"),
        key("every", Takes::Duration, "how often a value is expected"),
        key("value", Takes::Text, "an expression over members instead of one member"),
        key("last", Takes::Whole, "the newest values, oldest first: so many"),
        key("min", Takes::Whole, "so many of them are enough"),
        key("pad", Takes::Text, "repeat or zero: what stands for the missing ones; repeat unless stated"),
        key("resample", Takes::Duration, "values on a grid of this step"),
        key("method", Takes::Text, "of the grid: last, linear or avg; last unless stated"),
        key("over", Takes::Duration, "how far a grid or a statistic reaches back"),
        key("overLast", Takes::Whole, "of a statistic: over so many readings"),
        key("lag", Takes::Duration, "the value that held so long before"),
        key("stat", Takes::Text, "avg, min, max, std, rms, slope, delta, count, first, last, timeAvg or quantile(0.95)"),
        key("oneHot", Takes::List, "a column for each of these values"),
        key("label", Takes::Mapping, "a number for each value"),
        key("other", Takes::Any, "for values that are not listed: a number, or zeros or column"),
        key("bool", Takes::Bool, "a boolean as 0 and 1"),
        key("const", Takes::Number, "always this number"),
        key("param", Takes::Text, "a property of the twin"),
        key("time", Takes::Text, "hourOfDay, dayOfWeek or sinceStart"),
        key("cyclic", Takes::Bool, "of a time: its sine and cosine"),
        key("zone", Takes::Text, "of a time: the time zone; UTC unless stated"),
        key("scale", Takes::Mapping, "how it is scaled"),
        key("missing", Takes::Any, "hold, linear, mean, skip, or a mapping with maxGap or value"),
        later("image", Takes::Mapping, "how a picture becomes numbers"),
    }
    MISSING = "`missing`" {
        key("policy", Takes::Text, "hold, linear, mean or skip"),
        key("maxGap", Takes::Duration, "no value is believed for longer"),
        key("value", Takes::Number, "this number instead"),
    }
    MODEL_SCALE = "scale" {
        key("kind", Takes::Text, "standard or minmax"),
        key("mean", Takes::Any, "of standard: what is taken away"),
        key("std", Takes::Any, "of standard: what the rest is divided by"),
        key("min", Takes::Any, "of minmax: what becomes 0"),
        key("max", Takes::Any, "of minmax: what becomes 1"),
    }
    MODEL_INPUT = "input of a model" {
        key("dtype", Takes::Text, "the type of its elements: f32, i64, string, …"),
        key("shape", Takes::List, "its dimensions, the first of which is the batch"),
        key("from", Takes::Names, "the features it is made of, in the order of the columns"),
        key("layout", Takes::Text, "of sequences: steps or channels; steps unless stated"),
    }
    MODEL_OUTPUT = "output of a model" {
        key("tensor", Takes::Text, "the output of the file; its own name unless stated"),
        key("index", Takes::List, "which element of a row, by its dimensions behind the batch"),
        key("clamp", Takes::List, "the smallest and the largest value that is let through"),
        key("map", Takes::Mapping, "what each label of the file means here"),
        key("unit", Takes::Text, "the unit of the number"),
    }
    MODEL_TRIGGER = "trigger of a model" {
        key("on", Takes::Any, "change, or a list of features"),
        key("every", Takes::Duration, "on the clock"),
        key("onWindow", Takes::Text, "when this window closes"),
        key("onEvent", Takes::Text, "when this event happens"),
        key("at", Takes::Mapping, "at these instants"),
        key("manual", Takes::Bool, "only when somebody asks"),
        key("when", Takes::Text, "only while this condition holds"),
        key("maxRate", Takes::Text, "at most so often, as in 1/s or 10/m"),
        key("everyN", Takes::Whole, "every so many triggers"),
    }
    MODEL_RUN = "run of a model" {
        key("maxBatch", Takes::Whole, "rows of one run; 256 unless stated"),
        key("maxDelay", Takes::Duration, "how long a batch may wait to become larger; 0ms unless stated"),
        key("queue", Takes::Whole, "requests that may wait; 4096 unless stated"),
        key("mode", Takes::Text, "latest or every: whether a newer request replaces one that waits; latest unless stated"),
        key("timeout", Takes::Duration, "how long a run may take; 5s unless stated"),
        key("workers", Takes::Whole, "threads; 1 unless stated"),
    }
    MODEL_MONITOR = "monitor of a model" {
        key("baseline", Takes::Text, "the file with the statistics of the training"),
        key("window", Takes::Duration, "how long readings are gathered before they are compared"),
        key("psi", Takes::List, "from which shift on it is worth a warning, and a major alarm"),
    }
    MODEL_GOLDEN = "golden rows" {
        key("file", Takes::Text, "the file with rows and their answers"),
        key("atol", Takes::Number, "how far an answer may be off; 1e-5 unless stated"),
        key("rtol", Takes::Number, "how far it may be off, as a share of itself; 1e-4 unless stated"),
    }
}
