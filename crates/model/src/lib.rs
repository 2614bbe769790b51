//! The one-subject specification, explored in full at small bounds beside the code.
//!
//! [`spec`] says in a page what the operations of `INVARIANTS.md` section 2 do to one subject,
//! each as one atomic step. [`code`] does the same by the functions of the domain and the commit
//! of the store: read, decide, and commit what was decided against the version and the moment it
//! was decided for, with anything in between. [`subject`] lets a few callers take their steps in
//! every possible order, with time that passes and crashes, and asks in every state whether the
//! promises hold and whether both say the same. So neither can drift from the other.

pub mod code;
pub mod spec;
pub mod subject;
pub mod worlds;
