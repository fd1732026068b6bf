//! The pushes that are going on in this process, so that a hook's question finds the request it belongs to.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::id::{AccountId, AppId, BuildId};
use store::App;

/// One push.
#[derive(Debug, Clone)]
pub(crate) struct Push {
    /// Its id, and that of the build it may become; whoever knows it may speak for this push.
    pub(crate) id: BuildId,
    /// The app as it was when the push began.
    pub(crate) app: App,
    /// Who pushes.
    pub(crate) account: AccountId,
    /// The app's repository.
    pub(crate) repo: PathBuf,
}

/// All pushes; clones are the same.
#[derive(Debug, Default, Clone)]
pub(crate) struct Pushes {
    open: Arc<Mutex<HashMap<BuildId, Open>>>,
}

#[derive(Debug)]
struct Open {
    push: Push,
    /// It is the app's deploy; at most one push of an app is.
    deploys: bool,
}

/// Keeps a push known until it is dropped.
#[derive(Debug)]
pub(crate) struct PushGuard {
    pushes: Pushes,
    pub(crate) push: Push,
}

impl Pushes {
    pub(crate) fn begin(&self, push: Push) -> PushGuard {
        self.lock().insert(push.id, Open { push: push.clone(), deploys: false });
        PushGuard { pushes: self.clone(), push }
    }

    pub(crate) fn get(&self, id: BuildId) -> Option<Push> {
        self.lock().get(&id).map(|open| open.push.clone())
    }

    /// Whether any push of the app is going on.
    pub(crate) fn any(&self, app: AppId) -> bool {
        self.lock().values().any(|open| open.push.app.id == app)
    }

    /// Makes this push its app's deploy until it ends; false if another push is.
    pub(crate) fn take_turn(&self, push: &Push) -> bool {
        let mut open = self.lock();
        let taken = open.values().any(|open| open.deploys && open.push.app.id == push.app.id);
        match open.get_mut(&push.id) {
            Some(own) if !taken => {
                own.deploys = true;
                true
            }
            _ => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BuildId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PushGuard {
    fn drop(&mut self) {
        self.pushes.lock().remove(&self.push.id);
    }
}
