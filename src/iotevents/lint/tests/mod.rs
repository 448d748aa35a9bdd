//! What is found: in small models of our own, and in the published samples.

mod samples;
mod small;

use super::{Beside, lint};
use crate::iotevents::file::{Document, Input, Sample, read};
use crate::iotevents::finding::Finding;

/// Reads all files and says what there is to say about the model among them.
pub(super) fn findings(files: &[(&str, &str)]) -> Vec<Finding> {
    let (mut models, mut inputs, mut samples): (Vec<_>, Vec<Input>, Vec<Sample>) = (Vec::new(), Vec::new(), Vec::new());
    let mut all = Vec::new();
    for (file, text) in files {
        let (document, found) = read(file, text);
        all.extend(found);
        match document {
            Some(Document::DetectorModel(model)) => models.push((*file, model)),
            Some(Document::Input(input)) => inputs.push(input),
            Some(Document::Samples { samples: own, inputs: declared }) => {
                samples.extend(own);
                inputs.extend(declared);
            }
            Some(Document::TopicRule(_) | Document::AlarmModel(_)) | None => {}
        }
    }
    for (file, model) in &models {
        all.extend(lint(file, model, &Beside { inputs: &inputs, samples: &samples }));
    }
    all
}

pub(super) fn lines(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}
