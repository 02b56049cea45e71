/** Files up and down, on lanes of their own beside everything else. */

export {
  attachmentLink,
  type Carrying,
  type DownloadOptions,
  download,
  picture,
  pictureLink,
} from "./client/files/download.js";
export type { TransferOptions } from "./client/files/transfer.js";
export { type UploadOptions, upload } from "./client/files/upload.js";
