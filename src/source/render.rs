//! Diagnostics as people read them: message, place, source line, caret.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Level, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Severity, Sources, Span};

/// Longer lines are cut around the caret.
const LINE_CHARS_MAX: usize = 140;

/// All of them, and a line that counts them. Nothing at all if there are none.
pub fn render_text(sources: &Sources, diagnostics: &Diagnostics, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Unicode).term_width(LINE_CHARS_MAX);
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&render_one(&renderer, sources, diagnostic));
        text.push_str("\n\n");
    }
    if !diagnostics.is_empty() {
        text.push_str(&summary(diagnostics));
        text.push('\n');
    }
    text
}

fn summary(diagnostics: &Diagnostics) -> String {
    let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let errors = diagnostics.count(Severity::Error);
    let warnings = diagnostics.count(Severity::Warning);
    match (errors, warnings) {
        (_, 0) => counted(errors, "error"),
        (0, _) => counted(warnings, "warning"),
        (_, _) => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
    }
}

fn render_one(renderer: &Renderer, sources: &Sources, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.id);
    let mut group = title.element(snippet(sources, diagnostic.span, diagnostic.label.as_deref()));
    for related in &diagnostic.related {
        group = group.element(Level::NOTE.message(related.message.as_str())).element(snippet(sources, related.span, None));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.no_name().message(help.as_str()));
    }
    renderer.render(&[group])
}

/// Only the line where the span begins, so that drawing is cheap in files of any size.
fn snippet<'a>(sources: &'a Sources, span: Span, label: Option<&'a str>) -> Snippet<'a, Annotation<'a>> {
    let file = sources.file(span.file);
    let (line_start, line) = file.line_at(span.start as usize);
    let start = (span.start as usize).saturating_sub(line_start).min(line.len());
    let end = (span.end as usize).saturating_sub(line_start).clamp(start, line.len());
    let mark = AnnotationKind::Primary.span(start..end).label(label);
    Snippet::source(line).path(file.path.as_str()).line_start(sources.start_of(span).line).annotation(mark)
}
