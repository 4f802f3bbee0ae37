/* The wire as the element sees it. The authority on every field is `realtime/protocol.py`; `tests/data/frames.jsonl` holds examples. */

export type Role = "buyer" | "seller" | "provider" | "agent" | "bot";
export type Stage = "enquiry" | "negotiation" | "ordered" | "delivered" | "dispute";

export interface Person { id: string; name: string; role: Role; read?: number; online?: boolean }
export interface Reason { clause: string; category: string; message: string; action: string }
export interface Attachment { url: string; name: string; media_type?: string; size?: number }
export interface Suggestion { id: string; text: string; stance?: string; action?: string }

export interface InvitationView {
  id: string; conversation: string; state: "requested" | "joined" | "left" | "withdrawn" | "expired";
  by: string; topic: string; at: number; note?: string; agent?: string; agent_name?: string;
  joined_at?: number; left_at?: number; consents?: Record<string, string[]>;
}
export interface ConversationView {
  id: string; title: string; stage: Stage; epoch: string; last_seq: number; read: number;
  members: Person[]; listing?: string | null; invitation?: InvitationView | null;
}
export interface Limits { text_characters: number; [name: string]: number }

export interface Welcome {
  type: "welcome"; participant: string; name: string; role: string; lang: string;
  conversations: ConversationView[]; limits: Limits; server_time: number; suggestions?: "on" | "off" | "none";
}
/** A conversation that the reader has just become part of. */
export interface Opened { type: "conversation"; conversation: ConversationView }
export interface Accepted { type: "accepted"; ref: string; client_id?: string; id?: string; seq?: number; verdict?: string; reasons?: Reason[] }
export interface Refused { type: "refused"; ref: string; code: string; message: string; retry_after?: number; reasons?: Reason[]; decision?: string }
export interface Advised { type: "advised"; ref: string; advice: string; reasons?: Reason[]; rewrites?: string[] }
export type Answer = Accepted | Refused | Advised | HistoryPage;

export interface MessageForm {
  conversation: string; seq: number; id: string; author: string; role: Role; text: string; at: number; version: number;
  state?: "visible" | "masked" | "held" | "removed"; reply_to?: string; attachments?: Attachment[];
  reactions?: Record<string, string[]>; edited_at?: number; reasons?: Reason[];
}
export interface Posted extends MessageForm { type: "posted" }
export interface Changed extends MessageForm { type: "changed"; message_seq?: number; change?: string }
export interface Hidden { type: "hidden"; conversation: string; seq: number }
export interface Joined { type: "joined"; conversation: string; seq: number; at: number; member: Person }
export interface Left { type: "left"; conversation: string; seq: number; at: number; participant: string; by?: string }
export interface SettingChanged { type: "setting"; conversation: string; seq: number; at: number; title: string; stage: Stage; listing?: string | null }
export interface Invitation { type: "invitation"; conversation: string; seq: number; at: number; invitation: InvitationView; title?: string; waiting_ms?: number }
export type LogEvent = Posted | Changed | Hidden | Joined | Left | SettingChanged | Invitation;

export interface Receipt { type: "receipt"; conversation: string; participant: string; seq: number }
export interface TypingNow { type: "typing"; conversation: string; participant: string }
export interface Presence { type: "presence"; conversation: string; participant: string; online: boolean }
export interface Suggested { type: "suggested"; conversation: string; message: string; suggestions: Suggestion[]; lang?: string }
export interface Resumed { type: "resumed"; conversation: string; after: number; epoch: string; last_seq: number; events?: LogEvent[] }
export interface Reset { type: "reset"; conversation: string; reason: string; epoch: string; last_seq: number }
export interface HistoryPage { type: "history"; ref: string; conversation: string; events: LogEvent[]; more: boolean }
export interface Notice { type: "notice"; id: string; kind: string; conversation: string; message: string; text: string; at: number; until?: number; withdrawn?: boolean }
export interface Goaway { type: "goaway"; retry_after_ms: number }

export type Event = Welcome | Opened | Accepted | Refused | Advised | LogEvent | Receipt | TypingNow | Presence | Suggested | Resumed | Reset | HistoryPage | Notice | Goaway;
export type Command = { type: string; ref?: string; [field: string]: unknown };
