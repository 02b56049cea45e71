/** The composer while somebody records what they say. */

import { useDesk } from "../files/desks.ts";
import { useScope } from "../timeline/scope.tsx";
import { VoiceBar } from "../voice/VoiceBar.tsx";

/** In the composer's place, until it is sent or given up. */
export function Speaking({ onEnd }: { onEnd: () => void }) {
  const { room, root, answering, answer } = useScope();
  const { desk } = useDesk(room, root);
  const send = (file: File) => {
    desk.sendAlone(file, { replyTo: answering?.seq, threadRoot: root });
    answer(undefined);
    onEnd();
  };
  return (
    <div className="composer">
      <VoiceBar onCancel={onEnd} onDone={send} />
    </div>
  );
}
