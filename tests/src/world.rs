//! The world of one scenario: engines, gateways, schools, and what everybody was told.

use std::sync::Arc;

use sillok_contract::{
    entry::EntryId,
    id::{LearnerId, SchoolId},
};
use sillok_gateway::{
    config::Settings,
    keys::{AccessToken, Asked, SignedQueries},
    ledger::{consortium::Consortium, contract::Contract},
    server::Addresses,
    service::{Parts, RequestState},
};
use tokio::sync::{Mutex, MutexGuard, watch};

use crate::{
    call::{Caller, Face},
    check::{self, Proven},
    clients::Clients,
    cut::{Switch, Switched},
    engine::{Engine, Site, skipped},
    gateway::Running,
    nodes::Nodes,
    patience::until,
    refusal::Refusal,
    school::{self, Plan, School, Teacher},
    told::Told,
};

/// The world of one scenario.
pub struct World {
    /// The scenario's engines.
    pub site: Site,
    /// The gateway's settings; a change acts at the next start.
    pub settings: Settings,
    /// In every id and every personal detail of this scenario, and nowhere else.
    pub tag: String,
    /// The scenario's schools.
    pub schools: Vec<Arc<School>>,
    /// The scenario's callers, and what they were told.
    pub clients: Clients,
    /// What the ledger is behind while a gateway of this process serves.
    pub line: Option<watch::Sender<Switch>>,
    consortium: Option<Consortium>,
    parts: Option<Parts>,
    gateway: Option<Running>,
    at: watch::Sender<Option<Addresses>>,
    face: Face,
    auditor: Option<AccessToken>,
    proven: Mutex<Proven>,
}

impl World {
    /// A world with a gateway that serves in this process; none, and a line that says why, where the engines are not
    /// to be had.
    pub async fn open(engine: Engine, face: Face) -> Option<Self> {
        let tag = tag();
        let site = match Site::open(engine, &tag).await {
            Ok(site) => site,
            Err(why) => {
                skipped(&why);
                return None;
            }
        };
        let mut world = Self::on(site, tag, face);
        world.serve().await;
        world.open_offices().await;
        Some(world)
    }

    /// A world on these production engines, whose gateways are somebody else's: see [`World::look_at`].
    pub async fn beside(nodes: Nodes, face: Face) -> Result<Self, String> {
        let tag = tag();
        let site = Site::on(nodes, &tag).await?;
        let mut world = Self::on(site, tag, face);
        let ledger = world.settings.ledger.fabric.clone();
        world.consortium = Some(Consortium::of_fabric(ledger).map_err(|error| error.to_string())?);
        world.open_offices().await;
        Ok(world)
    }

    /// Callers find the gateway at these addresses from now on.
    pub fn look_at(&self, addresses: Addresses) {
        self.at.send_replace(Some(addresses));
    }

    async fn open_offices(&mut self) {
        school::register_offices(self.consortium()).await.unwrap();
        self.auditor = Some(school::auditor(self.consortium()));
    }

    fn on(site: Site, tag: String, face: Face) -> Self {
        let settings = site.settings();
        let (at, found) = watch::channel(None);
        Self {
            site,
            settings,
            tag,
            schools: Vec::new(),
            clients: Clients::new(face, found, Arc::default()),
            line: None,
            consortium: None,
            parts: None,
            gateway: None,
            at,
            face,
            auditor: None,
            proven: Mutex::default(),
        }
    }

    /// Those who run the ledger. Not to be had while the program has the embedded one open.
    pub fn consortium(&self) -> &Consortium {
        self.consortium.as_ref().expect("the embedded ledger is the running program's")
    }

    /// The contract, as the gateway's organisation sees it; past the switch.
    pub fn contract(&self) -> Contract {
        Contract::new(self.consortium().gateway().unwrap())
    }

    /// What the gateway of this process rests on.
    pub fn parts(&self) -> Parts {
        self.parts.clone().expect("a gateway of this process serves")
    }

    /// Serves in this process.
    pub async fn serve(&mut self) {
        (self.consortium, self.parts) = (None, None);
        let (engines, consortium) = self.site.engines(&self.settings).await;
        let (ledger, line) = Switched::new(engines.parts.ledger.clone());
        let parts = Parts { ledger: Arc::new(ledger), ..engines.parts };
        (self.consortium, self.line) = (Some(consortium), Some(line));
        self.parts = Some(parts.clone());
        self.found(Running::in_process(self.settings.clone(), parts).await);
    }

    /// Serves with the program. It may be killed.
    pub async fn serve_by_program(&mut self) {
        (self.consortium, self.line, self.parts) = (None, None, None);
        let running = Running::program(&self.settings, self.site.directory.path()).await;
        self.found(running);
    }

    /// Starts a second program beside the gateway that serves, on the same engines, with files of its own.
    pub async fn second_program(&self) -> (Running, Clients) {
        let directory = self.site.directory.path().join("second");
        std::fs::create_dir_all(&directory).unwrap();
        let running = Running::program(&self.settings, &directory).await;
        let (_, at) = watch::channel(Some(running.addresses.clone()));
        (running, Clients::new(self.face, at, self.clients.share()))
    }

    fn found(&mut self, running: Running) {
        self.at.send_replace(Some(running.addresses.clone()));
        self.gateway = Some(running);
    }

    /// Callers turn to this gateway from now on.
    pub fn turn_to(&mut self, running: Running) {
        self.found(running);
    }

    /// Stops the gateway, drained.
    pub async fn stop(&mut self) {
        self.at.send_replace(None);
        self.gateway.take().expect("a gateway serves").stop().await;
    }

    /// The same, and lets go of the engines: nobody has the database or the embedded ledger open any more.
    pub async fn stop_and_let_go(&mut self) {
        self.stop().await;
        (self.consortium, self.parts, self.line) = (None, None, None);
    }

    /// Kills the gateway's process: SIGKILL.
    pub async fn kill(&mut self) {
        self.at.send_replace(None);
        self.gateway.take().expect("a gateway serves").kill().await;
    }

    /// Kills a node of the production engines: SIGKILL.
    pub fn kill_node(&self, node: &str) {
        self.nodes().kill(node);
    }

    /// Starts a node of the production engines; returns when it answers.
    pub async fn start_node(&self, node: &str) {
        let (nodes, node) = (self.nodes().clone(), node.to_owned());
        tokio::task::spawn_blocking(move || nodes.start(&node)).await.unwrap();
    }

    fn nodes(&self) -> &Arc<Nodes> {
        self.site.nodes.as_ref().expect("the embedded engines have no nodes")
    }

    /// Registers a school.
    pub async fn school(&mut self, plan: Plan) -> Arc<School> {
        let school = Arc::new(school::register(self.consortium(), &plan, &self.tag).await);
        self.schools.push(school.clone());
        school
    }

    /// A name for a learner that must never be seen on the channel.
    pub fn name_of(&self, learner: &LearnerId) -> String {
        format!("Secret {} {}", self.secret(), learner.as_str().split('.').next().unwrap())
    }

    /// What personal details of this scenario hold; ids hold the tag, details its mirror.
    pub fn secret(&self) -> String {
        format!("name-{}", self.tag.chars().rev().collect::<String>())
    }

    /// The address of REST.
    pub fn address(&self) -> String {
        self.at.borrow().as_ref().expect("a gateway serves").rest.clone()
    }

    /// The gateway as an educator sees it.
    pub fn as_seen_by(&self, teacher: &Teacher) -> Caller {
        self.caller(teacher.access())
    }

    /// The gateway as whoever holds `access` sees it.
    pub fn as_seen_by_holder(&self, access: AccessToken) -> Caller {
        self.caller(access)
    }

    /// The gateway as somebody of an office sees it, who may see everything.
    pub fn as_seen_by_the_office(&self) -> Caller {
        self.caller(self.auditor.clone().expect("the offices are registered"))
    }

    /// Waits until an entry is in a batch that is on its way to the ledger.
    pub async fn in_flight(&self, school: &SchoolId, id: EntryId) {
        until("the entry is in a batch", async || {
            let outbox = self.site.database.outbox(school).await;
            outbox.iter().any(|entry| entry.id == id && entry.batch.is_some()).then_some(())
        })
        .await;
    }

    fn caller(&self, access: AccessToken) -> Caller {
        self.clients.caller(access).expect("a gateway serves")
    }

    /// What the scenario's callers were told.
    pub async fn told(&self) -> MutexGuard<'_, Told> {
        self.clients.told().lock().await
    }

    /// An educator signs and sends; it is done.
    pub async fn done(&self, teacher: &Teacher, asked: impl IntoIterator<Item = Asked>) -> RequestState {
        self.send(teacher, &teacher.signs(asked).unwrap()).await
    }

    /// Sends a signed request until there is an answer; it is done.
    pub async fn send(&self, teacher: &Teacher, signed: &SignedQueries) -> RequestState {
        self.clients.send(teacher, signed).await
    }

    /// An educator signs and sends; both faces refuse it with this code, and nothing is done.
    pub async fn refused(&self, teacher: &Teacher, asked: Asked, code: &str) -> Refusal {
        self.clients.refuses(teacher, &teacher.signs([asked]).unwrap(), code).await
    }

    /// Holds every guarantee against the database, the ledger and what was told.
    pub async fn check_everything(&self) {
        check::everything(self, &mut *self.proven.lock().await).await;
    }

    /// Checks a last time, stops the gateway, and looks at what the ledger's files show.
    pub async fn close(mut self) {
        self.check_everything().await;
        self.stop().await;
        (self.consortium, self.parts) = (None, None);
        check::privacy::of_files(&self);
        self.site.database.drop_it().await;
    }
}

/// A mark for a world's ids. And TLS gets its provider, before anything needs it.
fn tag() -> String {
    // Fails only where one is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut random = [0; 5];
    aws_lc_rs::rand::fill(&mut random).unwrap();
    format!("x{}", hex::encode(random))
}
