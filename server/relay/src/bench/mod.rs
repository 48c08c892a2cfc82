//! `bench`: what a relay on this machine can bear. A relay of its own as a child process, phones over real QUIC on the
//! loopback address, real sessions and signed envelopes; only the sealed bodies are random bytes.

mod child;
mod durable;
mod greedy;
mod kill;
mod phone;
mod scenes;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};
use sotay_postgres::server::Server;
use sotay_postgres::{Target, TargetError};
use sotay_store::{Checked, SqliteStore};

use crate::cli::{Bench, BenchStore, Scene};
use crate::database::{Database, file_options};
use crate::error::RunError;

/// Scenes in the order in which `all` runs them.
const ALL: [Scene; 7] = [
    Scene::Peak,
    Scene::Reconnect,
    Scene::Idle,
    Scene::Slow,
    Scene::Greedy,
    Scene::Durable,
    Scene::Kill,
];

/// Runs the scenes and prints what was measured.
pub(crate) fn bench(args: &Bench) -> Result<(), RunError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(RunError::System)?;
    let scenes = if args.scene == Scene::All {
        &ALL[..]
    } else {
        &[args.scene][..]
    };
    if let Some(relay) = &args.relay {
        return runtime.block_on(greedy::unit_of_its_own(relay));
    }
    let mut lost = 0;
    for scene in scenes {
        let place = Place::make(args.store)?;
        if *scene == Scene::Durable {
            print(args, scene, durable::durable(args, &place)?);
            continue;
        }
        let measured = runtime.block_on(async {
            match scene {
                Scene::Peak => scenes::peak(args, &place).await,
                Scene::Reconnect => scenes::reconnect(args, &place).await,
                Scene::Idle => scenes::idle(args, &place).await,
                Scene::Slow => scenes::slow(args, &place).await,
                Scene::Greedy => greedy::greedy(args, &place).await,
                Scene::Durable | Scene::Kill | Scene::All | Scene::GreedyUnit => {
                    kill::kill(args, &place).await
                }
            }
        })?;
        lost += measured.get("lost").and_then(Value::as_u64).unwrap_or(0);
        print(args, scene, measured);
    }
    if lost == 0 {
        Ok(())
    } else {
        Err(RunError::Lost(lost))
    }
}

fn print(args: &Bench, scene: &Scene, measured: Map<String, Value>) {
    let mut line = Map::from_iter([
        ("scene".to_owned(), json!(scene)),
        ("optimised".to_owned(), json!(!cfg!(debug_assertions))),
    ]);
    line.extend(measured);
    if args.json {
        println!("{}", Value::Object(line));
        return;
    }
    for (name, value) in &line {
        println!(
            "{name:<32} {}",
            value.as_str().map_or(value.to_string(), str::to_owned)
        );
    }
    println!();
}

/// A directory for one scene, and a database server if it needs one; both are gone when dropped.
struct Place {
    path: PathBuf,
    server: Option<(Server, String)>,
}

impl Place {
    fn make(store: BenchStore) -> Result<Self, RunError> {
        let server = match store {
            BenchStore::Sqlite => None,
            BenchStore::Postgres => {
                let mut server = Server::start(&["shared_buffers = 256MB"]).map_err(RunError::System)?;
                let url = server.database().map_err(RunError::System)?;
                Some((server, url))
            }
        };
        let number = getrandom::u64().unwrap_or(0);
        let path = std::env::temp_dir().join(format!("sotay-bench-{}-{number:x}", std::process::id()));
        std::fs::create_dir(&path).map_err(RunError::System)?;
        Ok(Self { path, server })
    }

    fn path(&self) -> &Path {
        &self.path
    }

    /// What the configuration of the relay under test says of its database.
    fn store(&self) -> String {
        let server = self.server.as_ref();
        server.map_or(String::new(), |(_, url)| format!("store = \"{url}\"\n"))
    }

    fn target(&self) -> Result<Option<Target>, RunError> {
        let url = self.server.as_ref().map(|(_, url)| url.parse());
        url.transpose()
            .map_err(|error: TargetError| RunError::System(std::io::Error::other(error)))
    }

    /// Opens the database of a relay that is gone.
    fn database(&self) -> Result<Database, RunError> {
        Ok(match self.target()? {
            Some(target) => Database::server(&target, None, None)?,
            None => Database::File(SqliteStore::open(
                &self.path.join("data/relay.sqlite"),
                &file_options(),
            )?),
        })
    }

    /// Opens it and walks it.
    fn check(&self) -> Result<Checked, RunError> {
        Ok(self.database()?.full_check()?)
    }

    /// Opens it outside the runtime, as it wants it.
    async fn with_database<T: Send>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, RunError> + Send,
    ) -> Result<T, RunError> {
        tokio::task::block_in_place(|| {
            std::thread::scope(|scope| {
                let thread = scope.spawn(|| work(self));
                thread.join().map_err(|_| RunError::Stopped)?
            })
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What stays is in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// p50, p99 and the largest, in milliseconds.
fn spread(name: &str, mut times: Vec<Duration>) -> Map<String, Value> {
    times.sort_unstable();
    let at = |share: f64| {
        let index = ((times.len() as f64 * share).ceil() as usize).clamp(1, times.len().max(1)) - 1;
        times
            .get(index)
            .map(|time| (time.as_secs_f64() * 10_000.0).round() / 10.0)
    };
    Map::from_iter([
        (format!("{name} p50 ms"), json!(at(0.5))),
        (format!("{name} p99 ms"), json!(at(0.99))),
        (format!("{name} max ms"), json!(at(1.0))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let times: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        let spread = spread("sync", times);
        assert_eq!(spread["sync p50 ms"], 100.0);
        assert_eq!(spread["sync p99 ms"], 198.0);
        assert_eq!(spread["sync max ms"], 200.0);
        assert_eq!(super::spread("none", vec![])["none p50 ms"], Value::Null);
    }
}
