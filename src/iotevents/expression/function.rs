//! The functions that take values. Those that ask about the evaluation itself (`timeout`, `triggerType`, `currentInput`) are terms of their own.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    IsUndefined,
    IsNull,
    StartsWith,
    EndsWith,
    Contains,
    BitOr,
    BitAnd,
    BitXor,
    BitNot,
}

impl Function {
    pub const ALL: [Function; 9] = [
        Function::IsUndefined,
        Function::IsNull,
        Function::StartsWith,
        Function::EndsWith,
        Function::Contains,
        Function::BitOr,
        Function::BitAnd,
        Function::BitXor,
        Function::BitNot,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Function::IsUndefined => "isUndefined",
            Function::IsNull => "isNull",
            Function::StartsWith => "startsWith",
            Function::EndsWith => "endsWith",
            Function::Contains => "contains",
            Function::BitOr => "bitor",
            Function::BitAnd => "bitand",
            Function::BitXor => "bitxor",
            Function::BitNot => "bitnot",
        }
    }

    pub fn arguments(self) -> usize {
        match self {
            Function::IsUndefined | Function::IsNull | Function::BitNot => 1,
            Function::StartsWith | Function::EndsWith | Function::Contains | Function::BitOr | Function::BitAnd | Function::BitXor => 2,
        }
    }
}
