//! Queries and updates in AWS's shapes, and files of any bytes.

mod describe;
mod fuzz;

use serde_json::json;

use super::{Findings, Kind, analysis_results};

#[test]
fn findings_for_people_and_for_programs() {
    let mut findings = Findings::new("m.json");
    findings.warning(Kind::StickyInput, "detectorModel.detectorModelDefinition.states[0].onInput.events[0]", "it stays");
    findings.info(Kind::DataType, "", "Inferred");
    findings.info(Kind::DataType, "", "Inferred");
    let list = findings.into_list();
    let lines: Vec<String> = list.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "WARNING sticky-input m.json detectorModel.detectorModelDefinition.states[0].onInput.events[0]: it stays",
            "INFO data-type m.json: Inferred"
        ]
    );
    assert_eq!(list[1].to_json(), json!({"level": "INFO", "type": "data-type", "file": "m.json", "path": "", "message": "Inferred"}));
    assert_eq!(
        analysis_results(&list),
        json!({"analysisResults": [
            {"type": "sticky-input", "level": "WARNING", "message": "it stays", "locations": [{"path": "states[0].onInput.events[0]"}]},
            {"type": "data-type", "level": "INFO", "message": "Inferred", "locations": []}
        ]})
    );
}
