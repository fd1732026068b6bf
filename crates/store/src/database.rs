//! The database file: one writer, several readers, transactions as closures.

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use model::id::AccountId;
use model::time::Timestamp;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::changes::{self, Witness};
use crate::error::{StoreError, sql};
use crate::migrate;
use crate::seal::Sealer;
use crate::topic::{Bell, Topic, Wake};

/// The wall clock, handed in so that tests can turn it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How long a connection waits for another process (a backup) that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Reader connections kept open.
const READERS_MAX: usize = 4;

/// The store. Clones share the same file.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    sealer: Sealer,
    clock: Clock,
    bell: Bell,
    witness: OnceLock<Witness>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

/// One transaction. Its methods stand in this crate's noun files.
pub struct Tx<'a> {
    pub(crate) sql: &'a Connection,
    pub(crate) sealer: &'a Sealer,
    now: Timestamp,
    touched: Cell<u16>,
    actor: Cell<Option<AccountId>>,
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("now", &self.now).finish_non_exhaustive()
    }
}

impl Tx<'_> {
    /// The time of this transaction.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Says who is behind this transaction. Without it the platform itself is.
    pub fn act_for(&self, account: AccountId) {
        self.actor.set(Some(account));
    }

    /// Who is behind this transaction, if a person is.
    #[must_use]
    pub fn actor(&self) -> Option<AccountId> {
        self.actor.get()
    }

    /// Notes that watchers of `topic` are to be woken after the commit.
    pub(crate) fn touch(&self, topic: Topic) {
        self.touched.set(self.touched.get() | topic.bit());
    }
}

impl Store {
    /// Opens the store in `dir` (`hokku.db` and `hokku.key`), makes both when missing, and brings the schema up to
    /// date.
    ///
    /// # Errors
    /// When the file cannot be opened, was written by a newer version, or its key is lost.
    pub fn open(dir: &Path, clock: Clock) -> Result<Self, StoreError> {
        let path = dir.join("hokku.db");
        let sealer = Sealer::open(&dir.join("hokku.key"))?;
        let mut writer = connect(&path, OpenFlags::default())?;
        migrate::run(&mut writer, &path)?;
        changes::watch(&writer)?;
        let inner = Inner {
            path,
            writer: Mutex::new(writer),
            readers: Mutex::new(Vec::new()),
            sealer,
            clock,
            bell: Bell::new(),
            witness: OnceLock::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The time by this store's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    /// Signs a text with the data folder's key, for URLs that are their own permission; URL-safe. `purpose` is a
    /// constant without NUL: a signature made for one purpose is worth nothing for another.
    #[must_use]
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        self.inner.sealer.sign(purpose, text)
    }

    /// Whether [`Store::sign`] made this signature.
    #[must_use]
    pub fn is_signed(&self, purpose: &str, text: &str, signature: &str) -> bool {
        self.inner.sealer.is_signed(purpose, text, signature)
    }

    /// Names the one who is shown, from now on, what each transaction changed of apps with webhooks, in the transaction
    /// itself. The first one stays; it is kept as long as the store.
    pub fn set_witness(&self, witness: Witness) {
        if self.inner.witness.set(witness).is_err() {
            tracing::warn!("the store has a witness already");
        }
    }

    /// An ear for commits that touch one of `topics`.
    #[must_use]
    pub fn watch(&self, topics: &[Topic]) -> Wake {
        self.inner.bell.watch(topics)
    }

    /// Runs a read-only transaction: one consistent picture.
    ///
    /// # Errors
    /// The closure's own, or the store's.
    pub async fn read<T, E>(
        &self,
        look: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        blocking(move || inner.read(look)).await
    }

    /// Runs a transaction that may write; it is on disk when this returns `Ok`. An `Err` leaves no trace.
    ///
    /// # Errors
    /// The closure's own, or the store's.
    pub async fn write<T, E>(
        &self,
        change: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        blocking(move || inner.write(change)).await
    }
}

async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(E::from(StoreError::Gone)))
}

impl Inner {
    fn read<T, E: From<StoreError>>(&self, look: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut reader = match lock(&self.readers).pop() {
            Some(reader) => reader,
            None => connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?,
        };
        let result = {
            let sql_tx = reader.transaction().map_err(sql("begin reading"))?;
            look(&self.tx(&sql_tx))
        };
        let mut readers = lock(&self.readers);
        if readers.len() < READERS_MAX {
            readers.push(reader);
        }
        result
    }

    fn write<T, E: From<StoreError>>(&self, change: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut writer = lock(&self.writer);
        let sql_tx =
            writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql("begin writing"))?;
        let tx = self.tx(&sql_tx);
        let value = change(&tx)?;
        self.bear_witness(&tx)?;
        let touched = tx.touched.get();
        sql_tx.commit().map_err(sql("commit"))?;
        drop(writer);
        self.bell.ring(touched);
        Ok(value)
    }

    /// Who is told of changes must not be able to undo them, so its error ends here.
    fn bear_witness(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        let changes = tx.take_changes()?;
        if let Some(witness) = self.witness.get().filter(|_| !changes.is_empty())
            && let Err(error) = witness(tx, &changes)
        {
            tracing::error!(error = &*error as &dyn std::error::Error, "webhooks are not told of a change");
        }
        Ok(())
    }

    fn tx<'a>(&'a self, sql_tx: &'a rusqlite::Transaction<'_>) -> Tx<'a> {
        Tx {
            sql: sql_tx.deref(),
            sealer: &self.sealer,
            now: (self.clock)(),
            touched: Cell::new(0),
            actor: Cell::new(None),
        }
    }
}

/// A panicked transaction was rolled back by SQLite, so the connection behind a poisoned lock is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        if !flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
        }
        connection.pragma_update(None, "foreign_keys", "ON")?;
        Ok(connection)
    };
    open().map_err(|cause| StoreError::Open { path: path.to_owned(), cause })
}
