//! Routes as data: a function's table of methods and paths, who may call each, and how requests and answers look. Its
//! router, the API's description (`docs/openapi.json`) and the tests follow from the table.

mod operation;
pub mod shape;

use std::fmt;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware;
use axum::routing::{MethodFilter, MethodRouter, on};
use portal_domain::permission::Permission;

pub use self::operation::{Answer, Body, Operation, Parameter, SchemaOf};
use crate::auth::guard;

/// Where a path of machine clients begins, in place of `/v1`.
const MACHINE: &str = "/v1/machine";

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone, without a token.
    Everyone,
    /// Operators with one of these permissions.
    Operators(&'static [Permission]),
    /// Machine clients whose scope gives one of these permissions.
    Machines(&'static [Permission]),
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path as the gateway writes it: `/v1/campaigns/{campaignId}`, `/activate/{rest+}`.
    pub path: String,
    /// Who may call it.
    pub access: Access,
    /// How requests and answers look; `None` for the pages.
    pub operation: Option<Operation>,
}

/// The routes of a function with the state `S`.
pub struct Routes<S> {
    access: Access,
    machines: bool,
    table: Vec<Route>,
    router: Router<S>,
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.table).finish()
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet; those that are added are open to everyone.
    pub fn open() -> Self {
        Self { access: Access::Everyone, machines: false, table: Vec::new(), router: Router::new() }
    }

    /// The same; those that are added need one of the permissions in at least one division. The handler finds out which
    /// division a request is about, and asks the [`Caller`](crate::Caller).
    pub fn guarded_by(permissions: &'static [Permission]) -> Self {
        Self { access: Access::Operators(permissions), ..Self::open() }
    }

    /// With a `GET`, which axum answers for `HEAD` too.
    pub fn get<H: Handler<T, S>, T: 'static>(self, path: &str, handler: H, operation: Operation) -> Self {
        self.with(Method::GET, path, on(MethodFilter::GET, handler), Some(operation))
    }

    /// With a `POST`.
    pub fn post<H: Handler<T, S>, T: 'static>(self, path: &str, handler: H, operation: Operation) -> Self {
        self.with(Method::POST, path, on(MethodFilter::POST, handler), Some(operation))
    }

    /// With a `PUT`.
    pub fn put<H: Handler<T, S>, T: 'static>(self, path: &str, handler: H, operation: Operation) -> Self {
        self.with(Method::PUT, path, on(MethodFilter::PUT, handler), Some(operation))
    }

    /// With a `DELETE`.
    pub fn delete<H: Handler<T, S>, T: 'static>(self, path: &str, handler: H, operation: Operation) -> Self {
        self.with(Method::DELETE, path, on(MethodFilter::DELETE, handler), Some(operation))
    }

    /// With a page or a file of one, which the API's description leaves out.
    pub fn page<H: Handler<T, S>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.with(Method::GET, path, on(MethodFilter::GET, handler), None)
    }

    /// The gateway lets `HEAD` through to the page that was added last.
    pub fn and_head(mut self) -> Self {
        if let Some(page) = self.table.last().cloned() {
            self.table.push(Route { method: Method::HEAD, ..page });
        }
        self
    }

    /// Those that are added from here on stand a second time below `/v1/machine`, for machine clients: a path of the
    /// gateway takes either ID tokens or access tokens.
    pub fn also_for_machines(self) -> Self {
        Self { machines: true, ..self }
    }

    /// With the routes of another table.
    pub fn merge(mut self, other: Self) -> Self {
        self.table.extend(other.table);
        self.router = self.router.merge(other.router);
        self
    }

    fn with(self, method: Method, path: &str, handler: MethodRouter<S>, operation: Option<Operation>) -> Self {
        let again = match self.access {
            Access::Operators(permissions) if self.machines => {
                Some((path.replacen("/v1", MACHINE, 1), Access::Machines(permissions)))
            }
            _ => None,
        };
        let handler = match self.access {
            Access::Everyone => handler,
            Access::Operators(permissions) | Access::Machines(permissions) => {
                handler.route_layer(middleware::from_fn_with_state(permissions, guard))
            }
        };
        let mut routes = self;
        for (path, access) in [(path.to_owned(), routes.access)].into_iter().chain(again) {
            routes.router = routes.router.route(&path.replace("{rest+}", "{*rest}"), handler.clone());
            routes.table.push(Route { method: method.clone(), path, access, operation: operation.clone() });
        }
        routes
    }

    /// The table.
    pub fn table(self) -> Vec<Route> {
        self.table
    }

    /// The router.
    pub fn router(self, state: S) -> Router {
        self.router.with_state(state)
    }
}
