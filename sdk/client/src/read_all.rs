//! Marks all of it read.

use crate::{Client, driver::Command, error::CallError, handle::Gone};

impl Client {
    /// Everything in every room and followed thread is read, as far as the client knows of it. The rooms'
    /// markers wait for a connection where there is none; what this waits for are the threads.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn mark_all_read(&self) -> Result<(), CallError> {
        let asked = self.inner.handle.ask(Command::Rooms).await;
        let (rooms, _) = asked.map_err(|Gone| CallError::Closed)?;
        for room in rooms.iter().filter(|room| room.unread > 0) {
            self.room(room.id).mark_read(room.last_seq).await?;
        }
        if rooms.iter().all(|room| room.thread_unread == 0) {
            return Ok(());
        }
        for followed in self.threads(true).await? {
            followed.thread.mark_read(followed.summary.last_seq).await?;
        }
        Ok(())
    }
}
