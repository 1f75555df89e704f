//! One operation: what its route is, who may call it, what it takes and what it answers.

use domain::{Permission, Reason};
use http::Method;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::{ArrayBuilder, OneOfBuilder, Ref, RefOr, Schema};

use super::field::{Extra, Field, object};

/// What operations are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tag {
    Keys,
    TemporaryKeys,
    Projects,
    Workspaces,
    Accounts,
    ManagementTokens,
    SigningKeys,
    Sessions,
    Usage,
    Webhooks,
    Audit,
    Gateways,
    Document,
}

impl Tag {
    pub(crate) const ALL: &'static [Self] = &[
        Self::Keys,
        Self::TemporaryKeys,
        Self::Projects,
        Self::Workspaces,
        Self::Accounts,
        Self::ManagementTokens,
        Self::SigningKeys,
        Self::Sessions,
        Self::Usage,
        Self::Webhooks,
        Self::Audit,
        Self::Gateways,
        Self::Document,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Keys => "API keys",
            Self::TemporaryKeys => "Temporary keys",
            Self::Projects => "Projects",
            Self::Workspaces => "Workspaces",
            Self::Accounts => "Accounts",
            Self::ManagementTokens => "Management tokens",
            Self::SigningKeys => "Signing keys",
            Self::Sessions => "Sessions",
            Self::Usage => "Usage",
            Self::Webhooks => "Webhooks",
            Self::Audit => "Audit log",
            Self::Gateways => "Gateways",
            Self::Document => "This document",
        }
    }
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callers {
    /// Anybody.
    Anybody,
    /// Whoever has a management token with this permission; with `operate_instance`, for any workspace.
    Managers(Permission),
    /// Whoever has a management token with this permission, or an API key, for what is its own.
    ManagersAndKeys(Permission),
    /// Whoever has a management token with `operate_instance`.
    Operators,
}

impl Callers {
    /// The permission that a management token needs.
    pub(crate) const fn permission(self) -> Option<Permission> {
        match self {
            Self::Anybody => None,
            Self::Managers(permission) | Self::ManagersAndKeys(permission) => Some(permission),
            Self::Operators => Some(Permission::OperateInstance),
        }
    }
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
}

/// One parameter.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    pub(crate) schema: Value,
    pub(crate) says: &'static str,
    /// What stands for it in examples, where it is needed.
    pub(crate) example: &'static str,
}

/// A body that is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    /// The name of its schema.
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) extra: Extra,
    /// The fields of the other things that it may be instead.
    pub(crate) or: &'static [&'static [Field]],
}

impl Body {
    /// Its schema.
    pub(crate) fn schema(self) -> Value {
        if self.or.is_empty() {
            return object(self.fields, self.extra);
        }
        let all = std::iter::once(&self.fields).chain(self.or);
        let forms: Vec<Value> = all.map(|fields| object(fields, self.extra)).collect();
        serde_json::json!({"anyOf": forms})
    }
}

/// An answer to a call that went well.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) says: &'static str,
    pub(crate) schema: Option<RefOr<Schema>>,
    pub(crate) content_type: &'static str,
}

/// The schemas that a document refers to, by name.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// One operation.
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    pub(crate) tag: Tag,
    pub(crate) summary: &'static str,
    pub(crate) description: String,
    pub(crate) callers: Callers,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) schemas: Schemas,
    /// Whether gateways enforce what it changes.
    pub(crate) is_enforced: bool,
}

impl Operation {
    pub(crate) fn new(
        method: Method,
        path: &'static str,
        id: &'static str,
        tag: Tag,
        summary: &'static str,
    ) -> Self {
        Self {
            method,
            path,
            id,
            tag,
            summary,
            description: String::new(),
            callers: Callers::Anybody,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            reasons: Vec::new(),
            schemas: Vec::new(),
            is_enforced: false,
        }
    }

    /// Says more about it.
    pub(crate) fn says(mut self, text: &str) -> Self {
        if !self.description.is_empty() {
            self.description.push(' ');
        }
        self.description.push_str(text);
        self
    }

    /// Says who may call. A call of one workspace's manager can be made for any workspace by an operator.
    pub(crate) fn callers(mut self, callers: Callers) -> Self {
        self.callers = callers;
        if matches!(callers, Callers::Managers(_) | Callers::ManagersAndKeys(_)) {
            let schema = super::field::id("ws_");
            let says = "Another workspace than the token's own. Needs the permission operate_instance.";
            self = self.query("workspace_id", schema, says).refuses(&[Reason::NotFound]);
        }
        self
    }

    /// Adds a parameter of the path.
    pub(crate) fn path_parameter(
        mut self,
        name: &'static str,
        schema: Value,
        says: &'static str,
        example: &'static str,
    ) -> Self {
        self.parameters.push(Parameter { name, place: Place::Path, schema, says, example });
        self
    }

    /// Adds an optional parameter of the query.
    pub(crate) fn query(mut self, name: &'static str, schema: Value, says: &'static str) -> Self {
        self.parameters.push(Parameter { name, place: Place::Query, schema, says, example: "" });
        self.refuses(&[Reason::InvalidValue])
    }

    /// Takes a body.
    pub(crate) fn body(mut self, name: &'static str, fields: &'static [Field], extra: Extra) -> Self {
        self.body = Some(Body { name, fields, extra, or: &[] });
        self.refuses(&[Reason::MalformedRequest, Reason::TooLarge, Reason::InvalidValue])
    }

    /// Says what else the body may be instead.
    pub(crate) fn or(mut self, or: &'static [&'static [Field]]) -> Self {
        self.body = self.body.map(|body| Body { or, ..body });
        self
    }

    /// Answers an object.
    pub(crate) fn answers<T: ToSchema>(mut self, status: u16, says: &'static str) -> Self {
        let schema = self.refer::<T>();
        self.answer(status, says, Some(schema), "application/json")
    }

    /// Answers a bare list, or, where a page is asked for, the object that holds it.
    pub(crate) fn lists<T: ToSchema, P: ToSchema>(mut self, says: &'static str) -> Self {
        let all: Schema = ArrayBuilder::new().items(self.refer::<T>()).build().into();
        let page = self.refer::<P>();
        let either: Schema = OneOfBuilder::new().item(all).item(page).build().into();
        self.paged().answer(200, says, Some(either.into()), "application/json")
    }

    /// Answers pages.
    pub(crate) fn pages<P: ToSchema>(self, says: &'static str) -> Self {
        self.paged().answers::<P>(200, says)
    }

    fn paged(self) -> Self {
        let limit = serde_json::json!({"type": "integer", "minimum": 1, "maximum": crate::paging::LIMIT_MAX});
        let after = serde_json::json!({"type": "string", "minLength": 1, "format": "cursor"});
        self.query("limit", limit, "At most so many entries.").query(
            "after",
            after,
            "Begins after the entry that the page before ended with: its `next`.",
        )
    }

    /// Answers something without a body, or with one that isn't JSON of ours.
    pub(crate) fn answer(
        mut self,
        status: u16,
        says: &'static str,
        schema: Option<RefOr<Schema>>,
        content_type: &'static str,
    ) -> Self {
        self.answers.push(Answer { status, says, schema, content_type });
        self
    }

    /// Says that gateways enforce what it changes: the answer tells the revision, and can wait for them.
    pub(crate) fn enforced(mut self) -> Self {
        self.is_enforced = true;
        let wait = serde_json::json!({"type": "string", "enum": ["enforced"]});
        self.query(
            "wait",
            wait,
            "Answers when every connected gateway enforces the change, 10 s at most, and says which do.",
        )
    }

    /// Adds reasons for which it is refused.
    pub(crate) fn refuses(mut self, reasons: &[Reason]) -> Self {
        for reason in reasons {
            if !self.reasons.contains(reason) {
                self.reasons.push(*reason);
            }
        }
        self
    }

    /// Every reason for which it is refused, those of its callers and of the API as a whole among them.
    pub(crate) fn all_reasons(&self) -> Vec<Reason> {
        let mut reasons = vec![Reason::RateLimited, Reason::MalformedRequest];
        if self.callers != Callers::Anybody {
            reasons.extend([
                Reason::CredentialMissing,
                Reason::CredentialUnknown,
                Reason::CredentialRevoked,
                Reason::CredentialAmbiguous,
                Reason::PermissionMissing,
                Reason::StorageDown,
                Reason::Internal,
            ]);
        }
        reasons.extend(self.reasons.iter().copied());
        reasons.sort_by_key(|reason| (reason.http_status(), *reason));
        reasons.dedup();
        reasons
    }

    fn refer<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name().into_owned();
        T::schemas(&mut self.schemas);
        self.schemas.push((name.clone(), T::schema()));
        RefOr::Ref(Ref::from_schema_name(name))
    }
}
