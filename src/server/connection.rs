//! Connections: accepting, time limits and graceful shutdown.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::chaos::Hangup;
use super::config::ServerLimits;

/// The limits of connections, and the signals that end them.
#[derive(Clone, Debug)]
pub(super) struct Lifetime {
    pub(super) limits: ServerLimits,
    /// Once canceled, no connection is accepted, and open ones close after their current request.
    pub(super) stop: CancellationToken,
    /// Once canceled, all connections are closed.
    pub(super) kill: CancellationToken,
    pub(super) tasks: TaskTracker,
}

/// Accepts connections until it is stopped.
pub(super) async fn accept(listener: TcpListener, routes: Router, lifetime: Lifetime) {
    let slots = Arc::new(Semaphore::new(lifetime.limits.connections));
    let accepting = async {
        loop {
            let slot = slots.clone().acquire_owned().await.ok()?;
            match listener.accept().await {
                Ok((stream, _)) => {
                    let serving = serve(stream, routes.clone(), lifetime.clone());
                    lifetime.tasks.spawn(async move {
                        serving.await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    // The process is out of file descriptors, or the client is already gone. Neither stops the server.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    };
    let _: Option<Option<()>> = lifetime.stop.run_until_cancelled(accepting).await;
}

async fn serve(stream: TcpStream, routes: Router, lifetime: Lifetime) {
    // Responses are small, so there is no point in delaying them.
    drop(stream.set_nodelay(true));
    let io = TokioIo::new(WriteTimeoutStream::new(stream, lifetime.limits.write_time));
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |request: Request<Incoming>| {
        let answering = routes.call(request);
        async move {
            let response = answering.await.unwrap_or_else(|never: Infallible| match never {});
            match response.extensions().get::<Hangup>() {
                Some(hangup) => Err(*hangup),
                None => Ok(response),
            }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(lifetime.limits.head_time)
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    let polite = async {
        tokio::select! {
            result = connection.as_mut() => return result,
            () = lifetime.stop.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        connection.as_mut().await
    };
    if let Some(Err(error)) = lifetime.kill.run_until_cancelled(polite).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// A stream that fails if its peer reads nothing for a while.
#[derive(Debug)]
struct WriteTimeoutStream {
    stream: TcpStream,
    patience: Duration,
    /// Started when a write has to wait.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl WriteTimeoutStream {
    fn new(stream: TcpStream, patience: Duration) -> WriteTimeoutStream {
        WriteTimeoutStream { stream, patience, deadline: None }
    }

    fn within_patience<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(written) = write(Pin::new(&mut self.stream), context) {
            self.deadline = None;
            return Poll::Ready(written);
        }
        let patience = self.patience;
        let deadline =
            self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + patience)));
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for WriteTimeoutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for WriteTimeoutStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.within_patience(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.within_patience(context, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.within_patience(context, AsyncWrite::poll_shutdown)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.within_patience(context, |stream, context| stream.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
