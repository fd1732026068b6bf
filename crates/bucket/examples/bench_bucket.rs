//! `cargo run --release -p bucket --example bench_bucket`: put and get against a bare `s3s-fs`, in one run, over unix
//! sockets without TLS. Ours syncs what it acknowledges and `s3s-fs` does not, which the ratios of small objects show.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bucket::{Client, Config, Definition};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use model::config_var::Secret;
use model::time::Timestamp;
use ring::digest::{SHA256, digest};
use ring::hmac;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const ACCESS_KEY: &str = "HKBENCH";
const SECRET_KEY: &str = "a-secret-of-the-benchmark";
const BUCKET: &str = "bench-bucket";
const HOST: &str = "s3.localhost";
/// Bytes of an object, and how many are put and got.
const SIZES: [(usize, usize); 3] = [(1 << 10, 300), (100 << 10, 200), (16 << 20, 8)];

#[tokio::main]
async fn main() -> Outcome<()> {
    let dir = tempfile::tempdir_in(std::env::current_dir()?)?;
    let stop = CancellationToken::new();
    let ours = ours(dir.path(), &stop).await?;
    let theirs = theirs(dir.path())?;
    for (bytes, count) in SIZES {
        let (our_put, our_get) = measure(&ours, bytes, count).await?;
        let (their_put, their_get) = measure(&theirs, bytes, count).await?;
        say("put", bytes, our_put, their_put)?;
        say("get", bytes, our_get, their_get)?;
    }
    stop.cancel();
    Ok(())
}

fn say(what: &str, bytes: usize, ours: Duration, theirs: Duration) -> Outcome<()> {
    let (our_ms, their_ms) = (ours.as_secs_f64() * 1e3, theirs.as_secs_f64() * 1e3);
    let kib = bytes >> 10;
    let ratio = our_ms / their_ms.max(f64::EPSILON);
    writeln!(
        std::io::stdout(),
        "{what} of {kib:>6} KiB   {our_ms:>8.2} ms   s3s-fs {their_ms:>8.2} ms   {ratio:.2}x"
    )?;
    Ok(())
}

async fn ours(dir: &Path, stop: &CancellationToken) -> Outcome<PathBuf> {
    let socket = dir.join("ours.sock");
    let control_socket = dir.join("control.sock");
    let config = Config {
        dir: dir.join("ours"),
        key: vec![1; 32],
        host: HOST.to_owned(),
        socket: socket.clone(),
        control_socket: control_socket.clone(),
        listen: None,
        certificate: PathBuf::new(),
        private_key: PathBuf::new(),
        outside: None,
    };
    tokio::spawn(bucket::serve(config, Arc::new(now), stop.clone()));
    let client = Client::new(control_socket);
    let definition = Definition {
        bucket: BUCKET.to_owned(),
        access_key: ACCESS_KEY.to_owned(),
        secret_key: Secret::from(SECRET_KEY),
        bytes_max: u64::MAX,
    };
    tokio::time::timeout(Duration::from_secs(10), async {
        while client.set(&definition).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await?;
    Ok(socket)
}

fn theirs(dir: &Path) -> Outcome<PathBuf> {
    let (socket, root) = (dir.join("theirs.sock"), dir.join("theirs"));
    std::fs::create_dir_all(root.join(BUCKET))?;
    let files = s3s_fs::FileSystem::new(root).map_err(|error| format!("{error:?}"))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    let service = builder.build();
    let listener = UnixListener::bind(&socket)?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let server = hyper::server::conn::http1::Builder::new();
                server.serve_connection(TokioIo::new(stream), service).await
            });
        }
    });
    Ok(socket)
}

/// The mean times of a put and of a get, one after the other over one connection.
async fn measure(socket: &Path, bytes: usize, count: usize) -> Outcome<(Duration, Duration)> {
    let (mut sender, connection) = handshake(TokioIo::new(UnixStream::connect(socket).await?)).await?;
    tokio::spawn(connection);
    let body = Bytes::from(vec![b'x'; bytes]);
    let began = Instant::now();
    for number in 0..count {
        send(&mut sender, "PUT", number, body.clone()).await?;
    }
    let put = began.elapsed() / u32::try_from(count)?;
    let began = Instant::now();
    for number in 0..count {
        let got = send(&mut sender, "GET", number, Bytes::new()).await?;
        if got.len() != bytes {
            return Err(format!("{} bytes instead of {bytes}", got.len()).into());
        }
    }
    Ok((put, began.elapsed() / u32::try_from(count)?))
}

async fn send(
    sender: &mut SendRequest<Full<Bytes>>,
    method: &str,
    number: usize,
    body: Bytes,
) -> Outcome<Bytes> {
    let path = format!("/{BUCKET}/object-{number}");
    let time = now().to_api();
    let time: String = time.chars().filter(|it| !matches!(it, '-' | ':')).collect();
    let day = time.get(..8).unwrap_or_default().to_owned();
    let headers = format!("host:{HOST}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:{time}\n");
    let names = "host;x-amz-content-sha256;x-amz-date";
    let canonical = format!("{method}\n{path}\n\n{headers}\n{names}\nUNSIGNED-PAYLOAD");
    let scope = format!("{day}/us-east-1/s3/aws4_request");
    let hashed = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashed}");
    let mut key = format!("AWS4{SECRET_KEY}").into_bytes();
    for part in [day.as_str(), "us-east-1", "s3", "aws4_request"] {
        key = sign(&key, part);
    }
    let signature = hex(&sign(&key, &text));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", HOST)
        .header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        .header("x-amz-date", time)
        .header(
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signature}"
            ),
        )
        .body(Full::new(body))?;
    sender.ready().await?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    if !status.is_success() {
        return Err(format!("{method}: {status}: {}", String::from_utf8_lossy(&body)).into());
    }
    Ok(body)
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
