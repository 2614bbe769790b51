//! The languages we read, and what their grammars call the shapes we care for.

use std::sync::OnceLock;

/// A language we have a grammar for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Language {
    /// JavaScript, JSX included.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// Python.
    Python,
    /// Java.
    Java,
    /// Go.
    Go,
    /// Rust.
    Rust,
    /// PHP.
    Php,
    /// Ruby.
    Ruby,
    /// C#.
    CSharp,
    /// Kotlin.
    Kotlin,
}

impl Language {
    /// The language of a file with this extension.
    pub(crate) fn of_extension(extension: &str) -> Option<Self> {
        Some(match extension {
            "js" | "jsx" | "mjs" | "cjs" => Self::JavaScript,
            "ts" | "mts" | "cts" => Self::TypeScript,
            "tsx" => Self::Tsx,
            "py" => Self::Python,
            "java" => Self::Java,
            "go" => Self::Go,
            "rs" => Self::Rust,
            "php" => Self::Php,
            "rb" => Self::Ruby,
            "cs" => Self::CSharp,
            "kt" | "kts" => Self::Kotlin,
            _ => return None,
        })
    }

    /// The word used in reports and in framework files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::JavaScript => "javascript",
            Self::TypeScript | Self::Tsx => "typescript",
            Self::Python => "python",
            Self::Java => "java",
            Self::Go => "go",
            Self::Rust => "rust",
            Self::Php => "php",
            Self::Ruby => "ruby",
            Self::CSharp => "csharp",
            Self::Kotlin => "kotlin",
        }
    }

    pub(super) fn grammar(self) -> tree_sitter::Language {
        match self {
            Self::JavaScript => tree_sitter_javascript::LANGUAGE,
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX,
            Self::Python => tree_sitter_python::LANGUAGE,
            Self::Java => tree_sitter_java::LANGUAGE,
            Self::Go => tree_sitter_go::LANGUAGE,
            Self::Rust => tree_sitter_rust::LANGUAGE,
            Self::Php => tree_sitter_php::LANGUAGE_PHP,
            Self::Ruby => tree_sitter_ruby::LANGUAGE,
            Self::CSharp => tree_sitter_c_sharp::LANGUAGE,
            Self::Kotlin => tree_sitter_kotlin_ng::LANGUAGE,
        }
        .into()
    }
}

/// The shape of a node, whatever its grammar calls it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    Function,
    Class,
    Call,
    Construct,
    Member,
    Subscript,
    /// A part of a list: `sessions[5:]`.
    Slice,
    /// A method by its name, for somebody else to call: `SessionInformation::expireNow`.
    Reference,
    /// A field of a class with its type.
    Field,
    Assign,
    Pair,
    Text,
    Name,
    Compare,
    Import,
    Annotation,
    Comment,
    Through,
    Other,
}

/// The shapes of every kind of node of a language, by the number its grammar gives the kind.
///
/// Every node is asked for its shape several times over; looking a number up costs a tenth of
/// comparing names.
pub(super) fn shapes(language: Language) -> &'static [Shape] {
    static SHAPES: [OnceLock<Vec<Shape>>; 11] = [const { OnceLock::new() }; 11];
    SHAPES[language as usize].get_or_init(|| {
        let grammar = language.grammar();
        (0..grammar.node_kind_count())
            .map(|id| {
                let kind = u16::try_from(id)
                    .ok()
                    .filter(|id| grammar.node_kind_is_named(*id))
                    .and_then(|id| grammar.node_kind_for_id(id));
                kind.map_or(Shape::Other, |kind| shape(language, kind))
            })
            .collect()
    })
}

/// What shape a node of this kind has.
///
/// The grammars agree on enough names that one table serves all; where two use a name for
/// different things, the language decides.
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn shape(language: Language, kind: &str) -> Shape {
    use Language as L;
    match kind {
        "attribute" if language == L::Python => Shape::Member,
        "pair" if language == L::Python => Shape::Pair,
        "call" if matches!(language, L::Ruby | L::Python) => Shape::Call,
        "subscript" if language == L::Python => Shape::Subscript,
        "lambda" if language == L::Python => Shape::Function,
        "block" | "do_block" | "lambda" | "method" | "singleton_method" if language == L::Ruby => {
            Shape::Function
        }
        "class" | "module" if language == L::Ruby => Shape::Class,
        "class" if matches!(language, L::JavaScript | L::TypeScript | L::Tsx) => Shape::Class,
        "attribute" if language == L::CSharp => Shape::Annotation,
        "type_spec" if language == L::Go => Shape::Class,
        "function_declaration"
        | "function_expression"
        | "arrow_function"
        | "method_definition"
        | "generator_function"
        | "generator_function_declaration"
        | "function_definition"
        | "method_declaration"
        | "constructor_declaration"
        | "lambda_expression"
        | "func_literal"
        | "function_item"
        | "closure_expression"
        | "anonymous_function"
        | "anonymous_function_creation_expression"
        | "local_function_statement"
        | "anonymous_method_expression"
        | "lambda_literal" => Shape::Function,
        "class_declaration"
        | "abstract_class_declaration"
        | "class_definition"
        | "interface_declaration"
        | "record_declaration"
        | "enum_declaration"
        | "impl_item"
        | "trait_declaration"
        | "trait_item"
        | "object_declaration" => Shape::Class,
        "call_expression"
        | "method_invocation"
        | "function_call_expression"
        | "member_call_expression"
        | "nullsafe_member_call_expression"
        | "scoped_call_expression"
        | "invocation_expression"
        | "macro_invocation" => Shape::Call,
        "new_expression"
        | "object_creation_expression"
        | "composite_literal"
        | "struct_expression"
        | "implicit_object_creation_expression" => Shape::Construct,
        "member_expression"
        | "field_access"
        | "selector_expression"
        | "field_expression"
        | "scoped_identifier"
        | "member_access_expression"
        | "nullsafe_member_access_expression"
        | "scoped_property_access_expression"
        | "class_constant_access_expression"
        | "scope_resolution"
        | "navigation_expression"
        | "conditional_access_expression" => Shape::Member,
        "field_declaration" | "class_parameter" | "property_promotion_parameter" => Shape::Field,
        "slice_expression" => Shape::Slice,
        "method_reference" | "callable_reference" => Shape::Reference,
        "subscript_expression"
        | "index_expression"
        | "element_reference"
        | "element_access_expression"
        | "indexing_expression"
        | "array_access" => Shape::Subscript,
        "assignment_expression"
        | "augmented_assignment_expression"
        | "compound_assignment_expr"
        | "variable_declarator"
        | "public_field_definition"
        | "field_definition"
        | "assignment"
        | "augmented_assignment"
        | "operator_assignment"
        | "assignment_statement"
        | "short_var_declaration"
        | "var_spec"
        | "const_spec"
        | "let_declaration"
        | "static_item"
        | "const_item"
        | "property_declaration"
        | "property_element" => Shape::Assign,
        "pair"
        | "keyword_argument"
        | "keyed_element"
        | "field_initializer"
        | "array_element_initializer"
        | "element_value_pair" => Shape::Pair,
        "string"
        | "template_string"
        | "string_literal"
        | "raw_string_literal"
        | "interpreted_string_literal"
        | "encapsed_string"
        | "heredoc"
        | "interpolated_string_expression"
        | "verbatim_string_literal"
        | "multiline_string_literal"
        | "simple_symbol"
        | "heredoc_body"
        | "nowdoc"
        | "bare_string"
        | "char_literal"
        | "concatenated_string" => Shape::Text,
        "identifier"
        | "property_identifier"
        | "private_property_identifier"
        | "shorthand_property_identifier"
        | "shorthand_property_identifier_pattern"
        | "field_identifier"
        | "type_identifier"
        | "package_identifier"
        | "simple_identifier"
        | "name"
        | "variable_name"
        | "constant"
        | "instance_variable"
        | "class_variable"
        | "global_variable"
        | "hash_key_symbol"
        | "this"
        | "self"
        | "super"
        | "namespace_identifier"
        | "this_expression"
        | "base" => Shape::Name,
        "binary_expression"
        | "comparison_operator"
        | "binary"
        | "comparison_expression"
        | "equality_expression" => Shape::Compare,
        "import_statement"
        | "import_from_statement"
        | "import_declaration"
        | "import_spec"
        | "use_declaration"
        | "namespace_use_declaration"
        | "using_directive"
        | "import"
        | "import_header" => Shape::Import,
        "decorator" | "annotation" | "marker_annotation" | "attribute_item" | "attribute_list" => {
            Shape::Annotation
        }
        "comment" | "line_comment" | "block_comment" | "multiline_comment" => Shape::Comment,
        "await_expression"
        | "await"
        | "parenthesized_expression"
        | "non_null_expression"
        | "as_expression"
        | "satisfies_expression"
        | "try_expression"
        | "reference_expression"
        | "unary_expression"
        | "pointer_expression"
        | "generic_function"
        | "generic_type"
        | "generic_name"
        | "cast_expression"
        | "expression_list"
        | "postfix_unary_expression"
        | "await_expr"
        | "optional_chain_expression" => Shape::Through,
        _ => Shape::Other,
    }
}
