//! The store: one connection that works, one that listens, and a view of what was read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sotay_feed::{DeviceId, EnvelopeId, Frontier, SpaceId, Tip};
use sotay_store::{
    Arrival, Batch, Bucket, Budget, Committed, Copied, DatabaseId, Dropped, ForkEvidence, KeyValue, Log,
    News, Page, Store, StoreError, Stored,
};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Error, Statement};

use crate::error::store_error;
use crate::line::{Line, runtime};
use crate::note::{self, Item, Node};
use crate::target::Target;
use crate::view::{Known, View};
use crate::watch::{Listener, Watch};
use crate::{holes, read, schema, write};

/// A call that takes longer counts as lost, should the server's own limits fail.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// How a database is opened.
#[derive(Default)]
pub struct Options {
    /// Identity of a database that has to be made; by default random.
    pub new_id: Option<DatabaseId>,
    /// Told of news and of the server's coming and going.
    pub listener: Option<Listener>,
}

/// Envelopes and records in PostgreSQL.
///
/// To be used by one thread, outside any asynchronous runtime: calls block. When the server is gone every call answers
/// [`StoreError::Unreachable`] at once, and works again when the server is back.
pub struct PostgresStore {
    target: Arc<Target>,
    id: DatabaseId,
    node: Node,
    runtime: Option<Runtime>,
    work: RefCell<Option<Work>>,
    pub(crate) view: RefCell<View>,
    watch: Watch,
}

struct Work {
    line: Line,
    statements: Statements,
    /// Outages of the server before it was made.
    outages: u64,
    /// A transaction is open, and these spaces are locked in it.
    held: Option<BTreeSet<SpaceId>>,
}

/// Declares prepared statements and prepares all of them in one round trip.
macro_rules! statements {
    ($($name:ident: $sql:literal,)*) => {
        pub(crate) struct Statements { $(pub $name: Statement,)* }

        impl Statements {
            async fn prepare(client: &Client) -> Result<Self, Error> {
                let ($($name,)*) = tokio::try_join!($(client.prepare($sql),)*)?;
                Ok(Self { $($name,)* })
            }
        }
    };
}

statements! {
    space: "SELECT s.head, s.chain, s.bytes, f.device, f.seq, f.tip
              FROM sotay.space s LEFT JOIN sotay.feed f ON f.space = s.space WHERE s.space = $1",
    new_spaces: "INSERT INTO sotay.space (space, head, chain, bytes)
                 SELECT id, 0, decode('0000000000000000', 'hex'), 0 FROM unnest($1::bytea[]) id ORDER BY id
                 ON CONFLICT (space) DO NOTHING",
    lock: "SELECT space, head, chain, bytes FROM sotay.space
            WHERE space = ANY($1::bytea[]) ORDER BY space FOR UPDATE",
    lock_free: "SELECT space, head, chain, bytes FROM sotay.space WHERE space = $1 FOR UPDATE SKIP LOCKED",
    range: "SELECT arrival, chain, bytes FROM sotay.envelope
             WHERE space = $1 AND arrival BETWEEN $2 AND $3 ORDER BY arrival LIMIT $4",
    lacking: "SELECT e.arrival FROM unnest($2::bytea[], $3::int8[]) AS have(device, seq)
                JOIN sotay.envelope e ON e.space = $1 AND e.device = have.device AND e.seq > have.seq
               WHERE e.arrival BETWEEN $4 AND $5 ORDER BY e.arrival LIMIT $6",
    fetch: "SELECT this.arrival, this.chain, this.bytes, before.chain FROM sotay.envelope this
              LEFT JOIN sotay.envelope before ON before.space = this.space AND before.arrival = this.arrival - 1
             WHERE this.space = $1 AND this.arrival = ANY($2::int8[]) ORDER BY this.arrival",
    place: "SELECT arrival FROM sotay.envelope WHERE space = $1 AND device = $2 AND seq = $3",
    places: "SELECT space, arrival FROM sotay.envelope WHERE prefix = $1",
    chain: "SELECT chain FROM sotay.envelope WHERE space = $1 AND arrival = $2",
    spaces: "SELECT space FROM sotay.space WHERE head > 0 ORDER BY space",
    forks: "SELECT space, device, seq, other FROM sotay.fork ORDER BY space, device",
    get: "SELECT sum, value FROM sotay.record WHERE bucket = $1 AND key = $2",
    list: "SELECT key, sum, value FROM sotay.record
            WHERE bucket = $1 AND key >= $2 AND ($3::bytea IS NULL OR key < $3) ORDER BY key",
    put_envelopes: "INSERT INTO sotay.envelope (space, arrival, device, seq, prefix, chain, bytes)
                    SELECT * FROM unnest($1::bytea[], $2::int8[], $3::bytea[], $4::int8[], $5::int8[],
                                         $6::bytea[], $7::bytea[])",
    erase: "UPDATE sotay.envelope e SET bytes = new.bytes
              FROM unnest($1::bytea[], $2::int8[], $3::bytea[]) AS new(space, arrival, bytes)
             WHERE e.space = new.space AND e.arrival = new.arrival",
    gone: "SELECT e.arrival, e.prefix, length(e.bytes), e.device, e.seq
             FROM unnest($2::bytea[], $3::int8[]) AS gone(device, seq)
             JOIN sotay.envelope e ON e.space = $1 AND e.device = gone.device AND e.seq = gone.seq
             LEFT JOIN sotay.feed f ON f.space = e.space AND f.device = e.device
             LEFT JOIN sotay.fork k ON k.space = e.space AND k.device = e.device
            WHERE e.seq < f.seq AND (k.seq IS NULL OR e.seq < k.seq)",
    drop_envelopes: "UPDATE sotay.envelope SET device = NULL, seq = NULL, prefix = NULL, bytes = ''
                      WHERE space = $1 AND arrival = ANY($2::int8[])",
    shrink: "UPDATE sotay.space SET bytes = bytes - $2 WHERE space = $1",
    next_held: "SELECT arrival FROM sotay.envelope
                 WHERE space = $1 AND arrival > $2 AND arrival <= $3 AND device IS NOT NULL ORDER BY arrival LIMIT 1",
    put_holes: "INSERT INTO sotay.envelope (space, arrival, chain, bytes)
                SELECT $1::bytea, hole.arrival, hole.chain, '' FROM unnest($2::int8[], $3::bytea[]) AS hole(arrival, chain)",
    put_feeds: "INSERT INTO sotay.feed (space, device, seq, tip)
                SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::int8[], $4::bytea[])
                ON CONFLICT (space, device) DO UPDATE SET seq = excluded.seq, tip = excluded.tip",
    put_spaces: "UPDATE sotay.space s SET head = new.head, chain = new.chain, bytes = new.bytes
                   FROM unnest($1::bytea[], $2::int8[], $3::bytea[], $4::int8[]) AS new(space, head, chain, bytes)
                  WHERE s.space = new.space",
    put_forks: "INSERT INTO sotay.fork (space, device, seq, other)
                SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::int8[], $4::bytea[])
                ON CONFLICT (space, device) DO UPDATE SET seq = excluded.seq, other = excluded.other
                WHERE fork.seq > excluded.seq",
    put_records: "INSERT INTO sotay.record (bucket, key, sum, value)
                  SELECT * FROM unnest($1::int2[], $2::bytea[], $3::bytea[], $4::bytea[])
                  ON CONFLICT (bucket, key) DO UPDATE SET sum = excluded.sum, value = excluded.value",
    delete_records: "DELETE FROM sotay.record r USING unnest($1::int2[], $2::bytea[]) AS gone(bucket, key)
                      WHERE r.bucket = gone.bucket AND r.key = gone.key",
    notify: "SELECT pg_notify('sotay', note) FROM unnest($1::text[]) note",
    counts: "SELECT (SELECT count(*) FROM sotay.envelope), (SELECT count(device) FROM sotay.envelope),
                    (SELECT count(*) FROM sotay.feed),
                    (SELECT count(*) FROM sotay.space WHERE head > 0)",
    size: "SELECT sum(pg_total_relation_size(c.oid))::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'sotay' AND c.relkind IN ('r', 'p')",
}

impl PostgresStore {
    /// Opens the database, making its tables if they are not there, and bringing an older version forward.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] when no server answers; [`StoreError::Foreign`] and [`StoreError::Newer`] with the
    /// database left as it is; [`StoreError::Io`] in words when the server refuses the user, has no such database, or
    /// runs without `fsync`.
    pub fn open(target: Target, options: Options) -> Result<Self, StoreError> {
        Self::open_with(target, options, schema::MIGRATIONS)
    }

    pub(crate) fn open_with(
        target: Target,
        options: Options,
        migrations: &[&str],
    ) -> Result<Self, StoreError> {
        let (target, runtime) = (Arc::new(target), runtime()?);
        let (work, id) = runtime.block_on(async {
            let line = Line::open(&target, None).await?;
            let id = schema::prepare(&line.client, options.new_id, migrations).await?;
            Ok::<_, StoreError>((Work::over(line, 0).await?, id))
        })?;
        let mut node = Node::default();
        getrandom::fill(&mut node).map_err(|error| StoreError::Io(format!("no randomness: {error}")))?;
        Ok(Self {
            watch: Watch::start(target.clone(), id, options.listener)?,
            target,
            id,
            node,
            runtime: Some(runtime),
            work: RefCell::new(Some(work)),
            view: RefCell::default(),
        })
    }

    /// Bytes of all tables and indexes.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        let bytes: Option<i64> =
            self.run(async |client, sql| Ok(client.query_one(&sql.size, &[]).await?.get(0)))?;
        Ok(bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0))
    }

    /// Walks every chain, hash, index and record, as [`sotay_store::SqliteStore::full_check`] does.
    pub fn full_check(&mut self) -> Result<sotay_store::Checked, StoreError> {
        crate::check::full(self)
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("taken only when dropped")
    }

    pub(crate) fn node(&self) -> Node {
        self.node
    }

    /// One exchange with the server. When it is lost, so is the view.
    pub(crate) fn run<T>(
        &self,
        call: impl AsyncFnOnce(&Client, &Statements) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        self.connect()?;
        let mut work = self.work.borrow_mut();
        let Some(Work {
            line,
            statements,
            held,
            outages: _,
        }) = &mut *work
        else {
            return Err(StoreError::Unreachable);
        };
        let mut up = self.watch.up.clone();
        let result = self.runtime().block_on(async {
            tokio::select! {
                biased;
                result = call(&line.client, statements) => result.map_err(|error| store_error(&error)),
                // A server that stopped answering is noticed by the watch. Its end means the same.
                _ = up.wait_for(|up| !up) => Err(StoreError::Unreachable),
                () = tokio::time::sleep(CALL_TIMEOUT) => Err(StoreError::Unreachable),
            }
        });
        if result.is_err() {
            let lost = matches!(result, Err(StoreError::Unreachable));
            let rolled_back = !lost
                && (held.take().is_none()
                    || self
                        .runtime()
                        .block_on(line.client.batch_execute("ROLLBACK"))
                        .is_ok());
            if !rolled_back {
                self.lose(&mut work);
            }
        }
        result
    }

    /// Makes the connection anew if it is lost. A transaction that was open on it is lost as well, which its owner must
    /// hear first.
    fn connect(&self) -> Result<(), StoreError> {
        let mut work = self.work.borrow_mut();
        let outages = self.watch.outages();
        // Nothing moves its bytes between calls, so it may not have noticed its own end.
        let alive = |work: &Work| !work.line.client.is_closed() && work.outages == outages;
        if work.as_ref().is_some_and(alive) {
            return Ok(());
        }
        let in_transaction = work.as_ref().is_some_and(|work| work.held.is_some());
        self.lose(&mut work);
        if in_transaction || !self.watch.is_up() {
            return Err(StoreError::Unreachable);
        }
        let (target, id) = (&self.target, self.id);
        *work = Some(self.runtime().block_on(async {
            let line = Line::open(target, None).await?;
            schema::same(&line.client, id).await?;
            Work::over(line, outages).await
        })?);
        Ok(())
    }

    fn lose(&self, work: &mut Option<Work>) {
        if work.take().is_some() {
            self.view.borrow_mut().clear();
            self.watch.note_missed();
        }
    }

    /// Locks spaces in the open transaction, which is begun if there is none. Each locked one with its head and size.
    pub(crate) fn lock(
        &self,
        spaces: &BTreeSet<SpaceId>,
        new: &[SpaceId],
        wait: bool,
    ) -> Result<BTreeMap<SpaceId, (Arrival, u64)>, StoreError> {
        let begin = if self.begins()? { "BEGIN" } else { "" };
        let ids: Vec<&[u8]> = spaces.iter().map(|space| &space.as_bytes()[..]).collect();
        let new: Vec<&[u8]> = new.iter().map(|space| &space.as_bytes()[..]).collect();
        let rows = self.run(async |client, sql| {
            let make = async {
                if new.is_empty() {
                    Ok(0)
                } else {
                    client.execute(&sql.new_spaces, &[&new]).await
                }
            };
            let lock = async {
                match (wait, ids.first()) {
                    (false, Some(first)) => client.query(&sql.lock_free, &[first]).await,
                    _ => client.query(&sql.lock, &[&ids]).await,
                }
            };
            // In order on the wire, one round trip.
            let (_, _, rows) = tokio::try_join!(biased; client.batch_execute(begin), make, lock)?;
            Ok(rows)
        })?;
        let mut locked = BTreeMap::new();
        for row in rows {
            let head = Arrival {
                number: read::unsigned(row.get(1))?,
                chain: read::chain(row.get(2))?,
            };
            locked.insert(read::space_id(row.get(0))?, (head, read::unsigned(row.get(3))?));
        }
        Ok(locked)
    }

    /// Whether a transaction has to be begun; from here on one counts as open.
    fn begins(&self) -> Result<bool, StoreError> {
        self.connect()?;
        let mut work = self.work.borrow_mut();
        let begins = work.as_ref().is_some_and(|work| work.held.is_none());
        if let Some(work) = work.as_mut().filter(|_| begins) {
            work.held = Some(BTreeSet::new());
        }
        Ok(begins)
    }

    pub(crate) fn in_transaction(&self) -> bool {
        self.work
            .borrow()
            .as_ref()
            .is_some_and(|work| work.held.is_some())
    }

    /// Begins a transaction unless one is open.
    pub(crate) fn begin(&self, how: &str) -> Result<(), StoreError> {
        if self.begins()? {
            self.run(async |client, _| client.batch_execute(how).await)?;
        }
        Ok(())
    }

    /// Ends the transaction, if one is open, without writing.
    pub(crate) fn rollback(&self) -> Result<(), StoreError> {
        if self.in_transaction() {
            self.run(async |client, _| client.batch_execute("ROLLBACK").await)?;
            self.ended();
        }
        Ok(())
    }

    /// The transaction is over.
    pub(crate) fn ended(&self) {
        if let Some(work) = &mut *self.work.borrow_mut() {
            work.held = None;
        }
    }

    pub(crate) fn known<T>(&self, space: &SpaceId, read: impl FnOnce(&Known) -> T) -> Result<T, StoreError> {
        if let Some(known) = self.view.borrow().get(space) {
            return Ok(read(known));
        }
        let known = read::space(self, space)?;
        let answer = read(&known);
        self.view.borrow_mut().insert(*space, known);
        Ok(answer)
    }

    /// Another process wrote a space.
    pub(crate) fn moved(&self, space: SpaceId, after: u64) {
        self.view.borrow_mut().moved(space, after, Instant::now());
    }

    /// A space is locked, and was known with this head and size: whatever another process changed is read again.
    pub(crate) fn agree(&self, space: SpaceId, known: (Arrival, u64), locked: (Arrival, u64)) {
        if known.0 != locked.0 {
            self.moved(space, known.0.number);
        } else if known != locked {
            self.view.borrow_mut().doubt(&space);
        }
    }

    fn listen(&self) {
        let heard = self.watch.take();
        let mut view = self.view.borrow_mut();
        if heard.missed {
            view.clear();
            view.news.anything = true;
        }
        for note in &heard.notes {
            match note::read(note) {
                Some((node, _)) if node == self.node => {}
                Some((_, items)) => items.iter().for_each(|item| hear(&mut view, item)),
                None => {
                    tracing::warn!("a note of another version of this program");
                    view.clear();
                    view.news.anything = true;
                }
            }
        }
    }
}

fn hear(view: &mut View, item: &Item) {
    match *item {
        Item::Grown { space, after, head } => {
            // A commit of ours may have waited for it and seen it already.
            if view.get(&space).is_none_or(|known| known.head.number < head) {
                view.moved(space, after, Instant::now());
            }
        }
        // What it holds is less; whoever has everything learns nothing from that.
        Item::Shrunk(space) => view.doubt(&space),
        Item::Forked(space) => drop(view.news.forked.insert(space)),
        Item::Records(bucket) => drop(view.news.records.insert(bucket)),
    }
}

impl Work {
    async fn over(line: Line, outages: u64) -> Result<Self, StoreError> {
        let statements = Statements::prepare(&line.client).await;
        Ok(Self {
            statements: statements.map_err(|error| store_error(&error))?,
            line,
            outages,
            held: None,
        })
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        *self.work.borrow_mut() = None;
        if let Some(runtime) = self.runtime.take() {
            // Also when dropped inside another runtime.
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PostgresStore({:?}, {:?})", self.id, self.target)
    }
}

impl Store for PostgresStore {
    fn database_id(&self) -> DatabaseId {
        self.id
    }

    fn commit(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        write::commit(self, &batch)
    }

    fn tip(&self, space: &SpaceId, device: DeviceId) -> Result<Option<Tip>, StoreError> {
        self.known(space, |known| known.feeds.get(&device).copied())
    }

    fn frontier(&self, space: &SpaceId) -> Result<Frontier, StoreError> {
        self.known(space, |known| {
            known
                .feeds
                .iter()
                .map(|(device, tip)| (*device, tip.seq))
                .collect()
        })
    }

    fn head(&self, space: &SpaceId) -> Result<Arrival, StoreError> {
        self.known(space, |known| known.head)
    }

    fn passed(&self, space: &SpaceId, arrival: Arrival) -> Result<bool, StoreError> {
        read::passed(self, space, arrival)
    }

    fn since(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Page, StoreError> {
        read::since(self, space, after, budget)
    }

    fn missing(
        &self,
        space: &SpaceId,
        have: &Frontier,
        after: u64,
        budget: Budget,
    ) -> Result<Page, StoreError> {
        read::missing(self, space, have, after, budget)
    }

    fn drop_envelopes(&mut self, space: &SpaceId, places: &[(DeviceId, u64)]) -> Result<Dropped, StoreError> {
        holes::drop_envelopes(self, space, places)
    }

    fn log(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Log, StoreError> {
        holes::log(self, space, after, budget)
    }

    fn follow(&mut self, space: &SpaceId, rows: &[Copied]) -> Result<bool, StoreError> {
        write::follow(self, space, rows)
    }

    fn at(&self, space: &SpaceId, device: DeviceId, seq: u64) -> Result<Option<Stored>, StoreError> {
        read::at(self, space, device, seq)
    }

    fn envelope(&self, id: EnvelopeId) -> Result<Option<Stored>, StoreError> {
        read::envelope(self, id)
    }

    fn space_bytes(&self, space: &SpaceId) -> Result<u64, StoreError> {
        self.known(space, |known| known.bytes)
    }

    fn spaces(&self) -> Result<Vec<SpaceId>, StoreError> {
        read::spaces(self)
    }

    fn forks(&self) -> Result<Vec<ForkEvidence>, StoreError> {
        read::forks(self)
    }

    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        read::get(self, bucket, key)
    }

    fn list(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
        read::list(self, bucket, prefix)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn news(&mut self) -> Result<News, StoreError> {
        self.listen();
        Ok(std::mem::take(&mut self.view.borrow_mut().news))
    }

    /// Locks only spaces that another process wrote lately: of the others the commit sees whether they moved.
    fn hold(&mut self, space: &SpaceId, wait: bool) -> Result<bool, StoreError> {
        let held = |work: &Option<Work>| {
            let held = work.as_ref().and_then(|work| work.held.as_ref());
            held.is_some_and(|held| held.contains(space))
        };
        if !self.view.borrow().is_contended(space, Instant::now()) || held(&self.work.borrow()) {
            return Ok(true);
        }
        let before = self.known(space, |known| (known.head, known.bytes))?;
        let locked = self.lock(&BTreeSet::from([*space]), &[], wait)?;
        let Some(now) = locked.get(space) else {
            // Nothing to lock, or somebody has locked it.
            return Ok(before.0.number == 0);
        };
        self.agree(*space, before, *now);
        if let Some(held) = self
            .work
            .borrow_mut()
            .as_mut()
            .and_then(|work| work.held.as_mut())
        {
            held.insert(*space);
        }
        Ok(true)
    }

    fn server_bytes(&self) -> Result<Option<u64>, StoreError> {
        self.bytes().map(Some)
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.rollback()
    }
}
