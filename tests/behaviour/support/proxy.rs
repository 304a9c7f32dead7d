//! A proxy in front of a server, which cuts the connection when it is told to.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// When to cut.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// Before the server gets what the client sends.
    Before,
    /// After the server has answered, before the client gets the answer.
    After,
}

/// Forwards one connection. Armed with a piece of text, it cuts at the next message that holds it.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    armed: Arc<Mutex<Option<(Cut, &'static str)>>>,
}

impl Proxy {
    /// In front of the server at `address`.
    pub(crate) fn new(address: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let armed = Arc::new(Mutex::new(None));
        let (proxy, address) = (Proxy { port, armed: Arc::clone(&armed) }, address.to_owned());
        thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            forward(client, TcpStream::connect(address).unwrap(), &armed);
        });
        proxy
    }

    pub(crate) fn cut(&self, when: Cut, at: &'static str) {
        *self.armed.lock().unwrap() = Some((when, at));
    }
}

fn forward(mut client: TcpStream, mut server: TcpStream, armed: &Mutex<Option<(Cut, &str)>>) {
    let muted = Arc::new(Mutex::new(false));
    let answers = {
        let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let muted = Arc::clone(&muted);
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                // The first answer after the cut tells that the server is done.
                if *muted.lock().unwrap() || to.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        })
    };
    let mut buffer = [0; 8192];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let message = &buffer[..length];
        let cut = armed.lock().unwrap().filter(|(_, at)| holds(message, at.as_bytes()));
        match cut {
            Some((Cut::Before, _)) => break,
            Some((Cut::After, _)) => *muted.lock().unwrap() = true,
            None => {}
        }
        if server.write_all(message).is_err() {
            break;
        }
        if cut.is_some() {
            let _ = answers.join();
            return;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

fn holds(message: &[u8], text: &[u8]) -> bool {
    text.is_empty() || message.windows(text.len()).any(|window| window == text)
}
