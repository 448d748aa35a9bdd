//! What is to be said about a file: for people as lines, and in the shape that AWS's own analysis has.

use std::fmt;

use serde_json::{Value as Json, json};

/// Of one run; what is more is counted by nobody.
pub const FINDINGS_MAX: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Info,
    Warning,
    Error,
}

/// The kinds of AWS's analysis, then ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    SupportedActions,
    ServiceLimits,
    Structure,
    ExpressionSyntax,
    DataType,
    ReferencedData,
    ReferencedResource,
    /// The file itself: no JSON, a missing or unknown key.
    File,
    /// Two names that people take for one (G3).
    LookAlikeName,
    /// Read, and in no message that was seen.
    NeverArrives,
    /// Read and not declared (D17), or the key is not declared.
    UndeclaredAttribute,
    /// A timer that is reset after it may have been cleared (D15).
    ClearedTimer,
    /// A value that stays and fires again (D5).
    StickyInput,
    /// The same id with every message (D3).
    ConstantMessageId,
    /// What this import cannot bring over as it is.
    Import,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub level: Level,
    pub kind: Kind,
    pub file: String,
    /// From the root of the file, as `detectorModelDefinition.states[0].onInput.events[0]`; empty for the file as a whole.
    pub path: String,
    pub message: String,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Info => "INFO",
            Level::Warning => "WARNING",
            Level::Error => "ERROR",
        }
    }
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::SupportedActions => "supported-actions",
            Kind::ServiceLimits => "service-limits",
            Kind::Structure => "structure",
            Kind::ExpressionSyntax => "expression-syntax",
            Kind::DataType => "data-type",
            Kind::ReferencedData => "referenced-data",
            Kind::ReferencedResource => "referenced-resource",
            Kind::File => "file",
            Kind::LookAlikeName => "look-alike-name",
            Kind::NeverArrives => "never-arrives",
            Kind::UndeclaredAttribute => "undeclared-attribute",
            Kind::ClearedTimer => "cleared-timer",
            Kind::StickyInput => "sticky-input",
            Kind::ConstantMessageId => "constant-message-id",
            Kind::Import => "import",
        }
    }
}

/// The findings about one file, as they are collected.
#[derive(Debug)]
pub struct Findings {
    file: String,
    list: Vec<Finding>,
}

impl Findings {
    pub fn new(file: &str) -> Findings {
        Findings { file: file.to_owned(), list: Vec::new() }
    }

    /// The same thing at the same place is said once.
    pub fn push(&mut self, level: Level, kind: Kind, path: &str, message: impl Into<String>) {
        let finding = Finding { level, kind, file: self.file.clone(), path: path.to_owned(), message: message.into() };
        if self.list.len() < FINDINGS_MAX && !self.list.contains(&finding) {
            self.list.push(finding);
        }
    }

    pub fn error(&mut self, kind: Kind, path: &str, message: impl Into<String>) {
        self.push(Level::Error, kind, path, message);
    }

    pub fn warning(&mut self, kind: Kind, path: &str, message: impl Into<String>) {
        self.push(Level::Warning, kind, path, message);
    }

    pub fn info(&mut self, kind: Kind, path: &str, message: impl Into<String>) {
        self.push(Level::Info, kind, path, message);
    }

    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|finding| finding.level == Level::Error)
    }

    pub fn into_list(self) -> Vec<Finding> {
        self.list
    }
}

/// A line: `WARNING referenced-data motor.json states[0]: …`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.level.as_str(), self.kind.as_str())?;
        for part in [&self.file, &self.path].into_iter().filter(|part| !part.is_empty()) {
            write!(f, " {part}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Finding {
    /// For programs, one object per finding.
    pub fn to_json(&self) -> Json {
        json!({
            "level": self.level.as_str(), "type": self.kind.as_str(), "file": self.file, "path": self.path, "message": self.message
        })
    }
}

/// As AWS's GetDetectorModelAnalysisResults answers: paths begin at the definition, and what is about no place has no location.
pub fn analysis_results(findings: &[Finding]) -> Json {
    let result = |finding: &Finding| {
        let path = finding.path.split_once(DEFINITION_DOT).map_or(finding.path.as_str(), |(_, path)| path);
        let locations: Vec<Json> = (!path.is_empty()).then(|| json!({"path": path})).into_iter().collect();
        json!({"type": finding.kind.as_str(), "level": finding.level.as_str(), "message": finding.message, "locations": locations})
    };
    json!({"analysisResults": findings.iter().map(result).collect::<Vec<Json>>()})
}

const DEFINITION_DOT: &str = "detectorModelDefinition.";
