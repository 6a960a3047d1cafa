//! What the standard library's traits make of requests and answers.

use std::io;

use crate::{Error, Request, Response, ResponseWriter};

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Net(error) => error.into(),
            error => Self::new(embedded_io::Error::kind(&error).into(), error),
        }
    }
}

impl io::Read for Request<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Request::read(self, buf).map_err(Into::into)
    }
}

impl<const HEAD: usize> io::Read for Response<HEAD> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Self::read(self, buf).map_err(Into::into)
    }
}

impl io::Write for ResponseWriter<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        ResponseWriter::write(self, data).map_err(Into::into)
    }

    fn flush(&mut self) -> io::Result<()> {
        ResponseWriter::flush(self).map_err(Into::into)
    }
}
