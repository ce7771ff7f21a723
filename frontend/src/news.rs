//! What is new, told to any number of viewers from one watch. A change is told at most a few times a second; what does not
//! show in the page is not told.

use crate::app::{App, Shared};
use crate::cluster::{Changed, Watching};
use crate::identity::User;
use crate::jobs::{names, ready, show};
use crate::refusal::Result;
use crate::{system, uploads, view};
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt, stream};
use kube::ResourceExt;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tessera_api::ImageJob;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{MissedTickBehavior, interval};

/// How long changes are gathered.
const GATHER: Duration = Duration::from_millis(250);

/// How often figures are asked for that no watch brings.
const FIGURES: Duration = Duration::from_secs(10);

/// How often old things are looked for.
const CLEANING: Duration = Duration::from_secs(3600);

/// How far a viewer may be behind before it begins anew.
const BEHIND: usize = 4096;

/// Jobs in the first picture that a viewer gets.
const FIRST: usize = 500;

/// One thing that is new.
#[derive(Debug, Clone)]
struct Told {
    event: &'static str,
    /// Whose; `None`: everybody's.
    owner: Option<String>,
    data: String,
}

/// What has been told, and who listens.
pub(crate) struct News {
    listeners: broadcast::Sender<Arc<Told>>,
    /// The last that was told of each job.
    jobs: Mutex<BTreeMap<String, Arc<Told>>>,
    system: Mutex<Option<Arc<Told>>>,
}

impl Default for News {
    fn default() -> News {
        News { listeners: broadcast::channel(BEHIND).0, jobs: Mutex::default(), system: Mutex::default() }
    }
}

fn lock<T>(value: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl News {
    fn tell(&self, told: Arc<Told>) {
        // Nobody listens: then nobody is told.
        let _ = self.listeners.send(told);
    }
}

/// Watches, and tells what is new, for as long as the process lives.
pub async fn publish(app: Arc<App>, watching: Watching) {
    let (changed, changes) = unbounded_channel();
    futures::join!(watching.run(changed), gather(&app, changes), figures(&app), clean(&app));
}

/// Gathers changes for a moment, then tells them.
async fn gather(app: &Shared, mut changes: UnboundedReceiver<Changed>) {
    while let Some(first) = changes.recv().await {
        tokio::time::sleep(GATHER).await;
        let mut all = BTreeSet::from([first]);
        while let Ok(next) = changes.try_recv() {
            all.insert(next);
        }
        let mut jobs = BTreeSet::new();
        for change in &all {
            match change {
                Changed::Job(name) => jobs.extend(Some(name.clone())),
                Changed::Stage(uid) => jobs.extend(app.cluster.name_of(uid)),
                Changed::System => {}
            }
        }
        for name in jobs {
            tell_job(app, &name).await;
        }
        tell_system(app).await;
    }
}

async fn tell_job(app: &Shared, name: &str) {
    let job = app.cluster.job(name).filter(|job| !job.labels().contains_key(names::VIEW));
    let Some(job) = job else {
        if let Some(last) = lock(&app.news.jobs).remove(name) {
            let data = serde_json::json!({ "name": name }).to_string();
            app.news.tell(Arc::new(Told { event: "gone", owner: last.owner.clone(), data }));
        }
        return;
    };
    let told = Arc::new(of_job(app, &job).await);
    let last = lock(&app.news.jobs).insert(name.to_owned(), Arc::clone(&told));
    if last.is_none_or(|last| last.data != told.data) {
        app.news.tell(told);
    }
}

async fn of_job(app: &Shared, job: &ImageJob) -> Told {
    let shown = show::job(job, ready::rectangles(app, job).await);
    let data = serde_json::to_string(&shown).unwrap_or_default();
    Told { event: "job", owner: names::owner(job).cloned(), data }
}

async fn tell_system(app: &Shared) {
    let data = serde_json::to_string(&system::of(app)).unwrap_or_default();
    let told = Arc::new(Told { event: "system", owner: None, data });
    let last = lock(&app.news.system).replace(Arc::clone(&told));
    if last.is_none_or(|last| last.data != told.data) {
        app.news.tell(told);
    }
}

/// Asks for figures while somebody looks.
async fn figures(app: &Shared) {
    let mut tick = interval(FIGURES);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if app.news.listeners.receiver_count() > 0 {
            system::measure(app).await;
            tell_system(app).await;
        }
    }
}

/// Deletes what is old, and forgets who is gone.
async fn clean(app: &Shared) {
    let mut tick = interval(CLEANING);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        app.rates.forget_idle();
        match uploads::abort_forgotten(app).await {
            Ok(0) => {}
            Ok(uploads) => tracing::info!(uploads, "uploads that nobody finished are cancelled"),
            Err(error) => tracing::warn!(%error, "old uploads cannot be cancelled"),
        }
        match view::delete_old(app).await {
            Ok(0) => {}
            Ok(copies) => tracing::info!(copies, "old view copies are deleted"),
            Err(error) => tracing::warn!(%error, "old view copies cannot be deleted"),
        }
    }
}

/// News: first all jobs, then every change (`job`, `gone`, `system`). A viewer that is too slow begins anew.
#[utoipa::path(get, path = "/events", tag = "jobs",
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(crate) async fn events(
    State(app): State<Shared>,
    user: User,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>> + Send + use<>>> {
    let pass = app.gates.events.enter(&user)?;
    // Listening begins before the picture is taken, so that nothing falls between.
    let listener = app.news.listeners.subscribe();
    let first = first_picture(&app, &user).await;
    let listening = Listening::new(app, pass);
    let owner = user.owner;
    let changes = stream::unfold((listener, listening), |(mut listener, listening)| async move {
        match listener.recv().await {
            Ok(told) => Some((told, (listener, listening))),
            Err(RecvError::Lagged(_) | RecvError::Closed) => None,
        }
    });
    let all = stream::iter(first).chain(changes);
    let mine = all.filter(move |told| std::future::ready(told.owner.as_ref().is_none_or(|of| *of == owner)));
    let events = mine.map(|told| Ok(Event::default().event(told.event).data(&told.data)));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)).text("ping")))
}

async fn first_picture(app: &Shared, user: &User) -> Vec<Arc<Told>> {
    let mut jobs = app.cluster.jobs();
    jobs.retain(|job| names::is_visible(job, user));
    jobs.sort_by_key(|job| std::cmp::Reverse(job.metadata.creation_timestamp.clone().map(|time| time.0)));
    jobs.truncate(FIRST);
    let mut all = Vec::new();
    for job in &jobs {
        all.push(Arc::new(of_job(app, job).await));
    }
    let data = serde_json::to_string(&system::of(app)).unwrap_or_default();
    all.push(Arc::new(Told { event: "system", owner: None, data }));
    all
}

/// Somebody who listens; counted as long as there.
struct Listening {
    app: Shared,
    _pass: crate::safety::Pass,
}

impl Listening {
    fn new(app: Shared, pass: crate::safety::Pass) -> Listening {
        app.metrics.listeners.inc();
        Listening { app, _pass: pass }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.app.metrics.listeners.dec();
    }
}
