//! What a twin says of the rules of its type: `rules: {overheat: {params: {hi: 90 degC}}, silent: {enabled: false}}`.

use crate::catalog::twin_spec::RuleSetting;
use crate::source::keys::TWIN_RULE;
use crate::source::{Diagnostic, Diagnostics, Fields, codes, did_you_mean, expect_mapping, is_ignored};

use super::layouts::Type;
use super::logic::{Expressions, given_constant};
use super::twin::Draft;

pub(super) fn read(draft: &Draft<'_, '_>, entry: &Type, expressions: &mut Expressions, problems: &mut Diagnostics) -> Vec<RuleSetting> {
    let what = format!("`rules` of {}", draft.fields.what);
    let Some(mapping) = draft.fields.get("rules").and_then(|node| expect_mapping(node, &what, problems)) else { return Vec::new() };
    let logic = &entry.layout.logic;
    let mut settings = Vec::new();
    for said in mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text)) {
        let id = &*said.key.text;
        let Some((place, spec)) = logic.rule(id) else {
            if entry.is_whole() {
                let message = format!("{} has no rule `{id}`", entry.layout.name);
                let known = logic.rules.iter().map(|spec| spec.rule.id.as_str());
                problems.push(Diagnostic::new(&codes::RULE_UNKNOWN, said.key.span, message).suggest(did_you_mean(id, known)));
            }
            continue;
        };
        let Some(fields) = Fields::read(&TWIN_RULE, &said.value, format!("rule `{id}` of {}", draft.fields.what), problems) else {
            continue;
        };
        let enabled = fields.bool("enabled", problems);
        let mut setting = RuleSetting { rule: spec.rule.id.clone(), enabled, params: Vec::new() };
        if let Some(params) = fields.get("params").and_then(|node| expect_mapping(node, "`params`", problems)) {
            for given in &params.entries {
                let own = || logic.params.iter().filter(|param| usize::from(param.rule) == place);
                let Some(param) = own().find(|param| *param.name == *given.key.text) else {
                    let message = format!("params.{} is not declared by rule `{id}`", given.key.text);
                    let near = did_you_mean(&given.key.text, own().map(|param| &*param.name));
                    problems.push(Diagnostic::new(&codes::EXPR_PARAM, given.key.span, message).suggest(near));
                    continue;
                };
                if let Some(value) = given_constant(given, param.value.shape(), expressions, problems) {
                    setting.params.push((param.name.clone(), value));
                }
            }
        }
        settings.push(setting);
    }
    settings.sort_by(|a, b| a.rule.cmp(&b.rule));
    settings
}
