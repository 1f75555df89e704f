//! What each permission lets a token do, in a sentence.

use domain::{Permission, PermissionSet};

/// One permission in a form.
#[derive(Debug, Clone)]
pub(crate) struct PermissionChoice {
    pub(crate) value: &'static str,
    pub(crate) sentence: &'static str,
    pub(crate) is_chosen: bool,
}

/// Every permission of a workspace, with those chosen that were sent.
pub(crate) fn choices(sent: &[String]) -> Vec<PermissionChoice> {
    let choice = |permission: Permission| PermissionChoice {
        value: permission.as_str(),
        sentence: sentence(permission),
        is_chosen: sent.iter().any(|name| name == permission.as_str()),
    };
    PermissionSet::of_a_workspace().iter().map(choice).collect()
}

/// The permissions of these names, all of a workspace; nothing where one isn't.
pub(crate) fn read(sent: &[String]) -> Option<PermissionSet> {
    let allowed = PermissionSet::of_a_workspace();
    sent.iter()
        .map(|name| Permission::from_name(name).filter(|permission| allowed.contains(*permission)))
        .collect()
}

/// What it lets a token do.
const fn sentence(permission: Permission) -> &'static str {
    match permission {
        Permission::ViewProjects => "See the projects of this workspace.",
        Permission::ManageProjects => "Make, rename and delete projects. Deleting one ends its keys.",
        Permission::ViewApiKeys => {
            "See the API keys: names, hints, rights and when they were used; never the keys themselves."
        }
        Permission::DeleteApiKeys => {
            "Revoke API keys and temporary keys. That ends what was opened with them."
        }
        Permission::CreateApiKeys => "Make API keys, and with the permission above rotate and change them.",
        Permission::ViewSessions => "See which sessions are open, with their addresses.",
        Permission::EndSessions => "End open sessions.",
        Permission::ViewUsage => "Read what was used, by project, key and client_ref.",
        Permission::ViewAudit => "Read the audit log: who did what, and from where.",
        Permission::OperateInstance => "Act on the whole instance.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A form of a workspace offers and takes every permission in it, and none beyond it.
    #[test]
    fn the_instance_is_not_offered() {
        let all: Vec<String> = choices(&[]).iter().map(|choice| choice.value.to_owned()).collect();
        assert_eq!(read(&all), Some(PermissionSet::of_a_workspace()));
        assert_eq!(read(&["operate_instance".to_owned()]), None);
        assert_eq!(read(&["View_Projects".to_owned()]), None);
        assert_eq!(read(&[]), Some(PermissionSet::EMPTY));
    }
}
