//! Which quotas on audio hold for whom.

use domain::{ApiKeyId, AudioQuota, ClientRef, ProjectId, QuotaScope, QuotaSubject};

use crate::Tables;
use crate::state::State;

impl Tables {
    /// The quotas that what is done under these counts against, as they are now: those of the workspace, the project, the API
    /// key and the end user, as far as there are any.
    pub fn audio_quotas(
        &self,
        project_id: ProjectId,
        api_key_id: ApiKeyId,
        client_ref: Option<&ClientRef>,
    ) -> Vec<AudioQuota> {
        let state = self.state();
        let workspace = state.home(project_id).ok().map(|home| QuotaSubject::Workspace(home.workspace_id));
        let subjects = [
            workspace,
            Some(QuotaSubject::Project(project_id)),
            Some(QuotaSubject::ApiKey(api_key_id)),
            client_ref.map(|client_ref| QuotaSubject::ClientRef(project_id, client_ref.clone())),
        ];
        let quota = |subject| {
            let audio_seconds_max = max(&state, project_id, &subject)?;
            Some(AudioQuota { subject, audio_seconds_max })
        };
        subjects.into_iter().flatten().filter_map(quota).collect()
    }

    /// How much audio a subject of a project may have in a UTC month, in seconds; `None` doesn't limit.
    pub fn audio_seconds_max(&self, project_id: ProjectId, subject: &QuotaSubject) -> Option<u32> {
        max(&self.state(), project_id, subject)
    }
}

fn max(state: &State, project_id: ProjectId, subject: &QuotaSubject) -> Option<u32> {
    match subject {
        QuotaSubject::Workspace(id) => state.limits(*id).ok()?.audio_seconds_per_month_max,
        QuotaSubject::Project(id) => state.quota(*id, QuotaScope::Project),
        QuotaSubject::ApiKey(id) => state.quota(project_id, QuotaScope::ApiKey(*id)),
        QuotaSubject::ClientRef(id, client_ref) => state
            .quota(*id, QuotaScope::ClientRef(client_ref.clone()))
            .or_else(|| state.quota(*id, QuotaScope::EachClientRef)),
    }
}
