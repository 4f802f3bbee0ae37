/**
 * Every word that the element says by itself, in three languages, and the formats of dates and lists.
 * A key that ends in `.one` and `.other` is chosen by `{n}`. `{brand}` is the host's name for the brand.
 * @module
 */

/** @typedef {"es" | "en" | "pt"} Lang */

export const LANGS = /** @type {const} */ (["es", "en", "pt"]);

const es = {
  "brand": "la marca",
  "chat": "Chat",
  "log": "Mensajes",
  "empty": "Todavía no hay mensajes. Saluda y empieza la conversación.",
  "loading": "Cargando mensajes…",
  "older": "Cargando mensajes anteriores…",
  "older.failed": "No se han podido cargar los mensajes anteriores.",
  "start": "Aquí empieza la conversación",
  "retry": "Reintentar",
  "you": "Tú",
  "someone": "Alguien que ya no está",

  "role.buyer": "Compra",
  "role.seller": "Vende",
  "role.provider": "Servicio",
  "role.agent": "Equipo de {brand}",
  "role.bot": "Asistente automático",
  "stage.enquiry": "Consulta",
  "stage.negotiation": "Negociación",
  "stage.ordered": "Pedido confirmado",
  "stage.delivered": "Entregado",
  "stage.dispute": "En disputa",

  "people": "Personas en el chat",
  "people.and": "{names} y tú",
  "online": "en línea",
  "brand.silent": "{brand} no está en el chat",
  "brand.waiting": "{brand} está en camino",
  "brand.here": "{name} está aquí",

  "composer": "Escribe un mensaje",
  "composer.hint": "Intro envía, Mayús con Intro hace una línea nueva.",
  "composer.left": "Ya no estás en este chat.",
  "send": "Enviar",
  "attach": "Adjuntar",
  "attachment.remove": "Quitar {name}",
  "count.one": "Queda {n} carácter",
  "count.other": "Quedan {n} caracteres",
  "count.over.one": "Sobra {n} carácter",
  "count.over.other": "Sobran {n} caracteres",
  "typing.1": "{a} está escribiendo…",
  "typing.2": "{a} y {b} están escribiendo…",
  "typing.more": "Varias personas están escribiendo…",
  "suggestions": "Respuestas sugeridas",
  "suggestions.dismiss": "Quitar estas sugerencias",
  "suggestions.off": "No sugerirme respuestas",
  "suggestions.on": "Sugerirme respuestas",

  "state.sending": "Enviando…",
  "state.saving": "Guardando…",
  "state.waiting": "Se enviará al volver la conexión",
  "state.sent": "Enviado",
  "state.delivered": "Entregado",
  "state.read": "Leído",
  "state.read.of": "Leído por {n} de {of}",
  "state.read.by": "Leído por {names}",
  "state.held": "En revisión. Te avisamos en cuanto alguien lo mire.",
  "state.masked": "Hemos ocultado una parte.",
  "state.masked.word": "Hemos ocultado una palabra.",
  "state.advised": "¿Lo decimos de otra manera?",
  "state.refused": "No se ha enviado.",
  "state.removed": "Mensaje retirado",
  "state.edited": "editado",
  "why": "Ver por qué",
  "why.hide": "Ocultar",
  "covered": "oculto",
  "edit": "Editar",
  "edit.editing": "Editando tu mensaje",
  "edit.cancel": "Dejar de editar",
  "send.anyway": "Enviar así",
  "rewrite": "Usar esto:",
  "discard": "Descartar",
  "appeal": "Pedir otra revisión",
  "appeal.done": "Hemos pedido otra revisión.",

  "menu": "Acciones del mensaje",
  "reply": "Responder",
  "reply.to": "Respondes a {name}",
  "reply.cancel": "Quitar la respuesta",
  "reply.gone": "Mensaje anterior",
  "copy": "Copiar",
  "copied": "Copiado",
  "retract": "Retirar",
  "retract.title": "¿Retirar este mensaje?",
  "retract.text": "Nadie podrá leerlo. No se puede deshacer.",
  "react": "Reaccionar",
  "react.with": "Reaccionar con {emoji}",
  "react.by": "{emoji} de {names}",
  "attachment": "Archivo adjunto: {name}",

  "unread.one": "{n} mensaje nuevo",
  "unread.other": "{n} mensajes nuevos",
  "unread.mark": "Mensajes nuevos",
  "bottom": "Ir al final",
  "today": "Hoy",
  "yesterday": "Ayer",

  "note.joined.one": "{names} se ha unido",
  "note.joined.other": "{names} se han unido",
  "note.left": "{name} ha salido",
  "note.removed": "{name} ya no está en el chat",
  "note.requested": "{name} ha invitado a {brand}",
  "note.agent": "{name} se ha unido de parte de {brand}",
  "note.agent.left": "{name} ha salido. El chat sigue.",
  "note.withdrawn": "{name} ha retirado la invitación a {brand}",
  "note.expired": "La invitación a {brand} ha caducado",

  "invite": "Invitar a {brand}",
  "invite.short": "Invitar",
  "invite.title": "Invitar a {brand}",
  "invite.what": "Alguien del equipo entrará en este chat como una persona más. Nadie sale y la conversación sigue siendo vuestra.",
  "invite.sees": "Verá el título, el motivo y tu nota. Cuando entre, verá lo que se escriba desde entonces; de lo anterior, solo lo de quien acepte.",
  "invite.topic": "¿Qué ha pasado?",
  "topic.question": "Tengo una duda",
  "topic.delivery": "Entrega o envío",
  "topic.payment": "Pago o reembolso",
  "topic.disagreement": "No nos ponemos de acuerdo",
  "topic.safety": "No me siento a salvo",
  "topic.other": "Otra cosa",
  "note": "Nota (opcional)",
  "invite.note.hint": "Solo la leerá el equipo de {brand}.",
  "invite.share": "Compartir también lo que he escrito antes",
  "invite.send": "Enviar invitación",
  "invite.waiting": "{brand} está en camino. Podéis seguir hablando.",
  "invite.waiting.since": "Invitación enviada {ago}",
  "invite.withdraw": "Retirar",
  "consent.title": "{name} ha invitado a {brand}",
  "consent.text": "{topic}. ¿Puede leer lo que tú has escrito antes?",
  "consent.yes": "Compartir",
  "consent.no": "No compartir",
  "consent.shared": "{brand} puede leer lo que escribiste antes.",
  "consent.private": "{brand} no puede leer lo que escribiste antes.",
  "consent.change.no": "Dejar de compartir",
  "rate.title": "¿Te ha ayudado {name}?",
  "rate.stars.one": "{n} estrella",
  "rate.stars.other": "{n} estrellas",
  "rate.low": "Nada",
  "rate.high": "Mucho",
  "rate.send": "Enviar valoración",
  "rate.thanks": "Gracias por contárnoslo.",
  "later": "Ahora no",
  "leave": "Salir del chat",
  "leave.title": "¿Salir del chat?",
  "leave.text": "La conversación sigue sin ti.",

  "report": "Denunciar",
  "report.title": "Denunciar este mensaje",
  "report.text": "Lo mirará una persona del equipo. Nadie del chat sabrá que has sido tú.",
  "report.reason": "¿Qué pasa con este mensaje?",
  "reason.insult": "Insulta o acosa",
  "reason.hate": "Odio o discriminación",
  "reason.threat": "Amenaza",
  "reason.sexual": "Contenido sexual",
  "reason.scam": "Parece una estafa",
  "reason.off_platform": "Quiere salir de la plataforma",
  "reason.spam": "Publicidad o spam",
  "reason.other": "Otra cosa",
  "report.send": "Denunciar",
  "report.done": "Gracias. Lo miraremos.",

  "cancel": "Cancelar",
  "close": "Cerrar",
  "net.connecting": "Conectando…",
  "net.offline": "Sin conexión. Puedes seguir escribiendo.",
  "net.back": "Conectado de nuevo",
  "net.retry": "Conectar ahora",
  "stop.unauthenticated": "Tu acceso ha caducado. Vuelve a cargar la página.",
  "stop.forbidden": "Este chat no está disponible para ti.",
  "stop.elsewhere": "Este chat está abierto en otra ventana.",
  "stop.here": "Usar aquí",
  "stop.error": "El chat se ha detenido por un error.",
  "problem.muted": "Ahora mismo no puedes escribir en este chat.",
  "problem.rate_limited": "Vas muy deprisa. Espera un momento.",
  "problem.too_long": "El mensaje es demasiado largo.",
  "problem.not_found": "Ya no está disponible.",
  "problem.forbidden": "No puedes hacer esto aquí.",
  "problem.unavailable": "El servicio no responde. Inténtalo de nuevo en un momento.",
  "problem.storage_full": "El servicio no responde. Inténtalo de nuevo en un momento.",
  "problem.offline": "Sin conexión. Inténtalo cuando vuelva.",
  "problem.unknown": "No ha sido posible. Inténtalo de nuevo.",
};

/** @type {typeof es} */
const en = {
  "brand": "the brand",
  "chat": "Chat",
  "log": "Messages",
  "empty": "No messages yet. Say hello to get started.",
  "loading": "Loading messages…",
  "older": "Loading earlier messages…",
  "older.failed": "Earlier messages could not be loaded.",
  "start": "The conversation starts here",
  "retry": "Try again",
  "you": "You",
  "someone": "Someone who has left",

  "role.buyer": "Buyer",
  "role.seller": "Seller",
  "role.provider": "Provider",
  "role.agent": "Team of {brand}",
  "role.bot": "Automatic assistant",
  "stage.enquiry": "Enquiry",
  "stage.negotiation": "Negotiation",
  "stage.ordered": "Order confirmed",
  "stage.delivered": "Delivered",
  "stage.dispute": "In dispute",

  "people": "People in this chat",
  "people.and": "{names} and you",
  "online": "online",
  "brand.silent": "{brand} is not in the chat",
  "brand.waiting": "{brand} is on the way",
  "brand.here": "{name} is here",

  "composer": "Write a message",
  "composer.hint": "Enter sends, Shift and Enter makes a new line.",
  "composer.left": "You are no longer in this chat.",
  "send": "Send",
  "attach": "Attach",
  "attachment.remove": "Remove {name}",
  "count.one": "{n} character left",
  "count.other": "{n} characters left",
  "count.over.one": "{n} character too many",
  "count.over.other": "{n} characters too many",
  "typing.1": "{a} is typing…",
  "typing.2": "{a} and {b} are typing…",
  "typing.more": "Several people are typing…",
  "suggestions": "Suggested replies",
  "suggestions.dismiss": "Dismiss these suggestions",
  "suggestions.off": "Stop suggesting replies",
  "suggestions.on": "Suggest replies",

  "state.sending": "Sending…",
  "state.saving": "Saving…",
  "state.waiting": "Will send when you are back online",
  "state.sent": "Sent",
  "state.delivered": "Delivered",
  "state.read": "Read",
  "state.read.of": "Read by {n} of {of}",
  "state.read.by": "Read by {names}",
  "state.held": "Under review. We will tell you as soon as someone has looked.",
  "state.masked": "We hid a part.",
  "state.masked.word": "We hid a word.",
  "state.advised": "Put it another way?",
  "state.refused": "Not sent.",
  "state.removed": "Message removed",
  "state.edited": "edited",
  "why": "See why",
  "why.hide": "Hide",
  "covered": "hidden",
  "edit": "Edit",
  "edit.editing": "Editing your message",
  "edit.cancel": "Stop editing",
  "send.anyway": "Send anyway",
  "rewrite": "Use this:",
  "discard": "Discard",
  "appeal": "Ask for a second look",
  "appeal.done": "We asked for a second look.",

  "menu": "Message actions",
  "reply": "Reply",
  "reply.to": "Replying to {name}",
  "reply.cancel": "Remove the reply",
  "reply.gone": "Earlier message",
  "copy": "Copy",
  "copied": "Copied",
  "retract": "Take back",
  "retract.title": "Take this message back?",
  "retract.text": "Nobody will be able to read it. This cannot be undone.",
  "react": "React",
  "react.with": "React with {emoji}",
  "react.by": "{emoji} from {names}",
  "attachment": "Attachment: {name}",

  "unread.one": "{n} new message",
  "unread.other": "{n} new messages",
  "unread.mark": "New messages",
  "bottom": "Go to the end",
  "today": "Today",
  "yesterday": "Yesterday",

  "note.joined.one": "{names} joined",
  "note.joined.other": "{names} joined",
  "note.left": "{name} left",
  "note.removed": "{name} is no longer in the chat",
  "note.requested": "{name} invited {brand}",
  "note.agent": "{name} joined from {brand}",
  "note.agent.left": "{name} left. The chat goes on.",
  "note.withdrawn": "{name} withdrew the invitation of {brand}",
  "note.expired": "The invitation of {brand} has expired",

  "invite": "Invite {brand}",
  "invite.short": "Invite",
  "invite.title": "Invite {brand}",
  "invite.what": "Someone from the team will join this chat as one more person. Nobody leaves, and the conversation stays yours.",
  "invite.sees": "They will see the title, the topic and your note. Once here they see what is written from then on; of what came before, only the words of those who agree.",
  "invite.topic": "What is it about?",
  "topic.question": "I have a question",
  "topic.delivery": "Delivery or shipping",
  "topic.payment": "Payment or refund",
  "topic.disagreement": "We cannot agree",
  "topic.safety": "I do not feel safe",
  "topic.other": "Something else",
  "note": "Note (optional)",
  "invite.note.hint": "Only the team of {brand} will read it.",
  "invite.share": "Share what I wrote earlier too",
  "invite.send": "Send invitation",
  "invite.waiting": "{brand} is on the way. You can keep talking.",
  "invite.waiting.since": "Invitation sent {ago}",
  "invite.withdraw": "Withdraw",
  "consent.title": "{name} invited {brand}",
  "consent.text": "{topic}. May they read what you wrote earlier?",
  "consent.yes": "Share",
  "consent.no": "Do not share",
  "consent.shared": "{brand} can read what you wrote earlier.",
  "consent.private": "{brand} cannot read what you wrote earlier.",
  "consent.change.no": "Stop sharing",
  "rate.title": "Did {name} help you?",
  "rate.stars.one": "{n} star",
  "rate.stars.other": "{n} stars",
  "rate.low": "Not at all",
  "rate.high": "Very much",
  "rate.send": "Send rating",
  "rate.thanks": "Thank you for telling us.",
  "later": "Not now",
  "leave": "Leave chat",
  "leave.title": "Leave the chat?",
  "leave.text": "The conversation goes on without you.",

  "report": "Report",
  "report.title": "Report this message",
  "report.text": "A person of the team will look at it. Nobody in the chat will know it was you.",
  "report.reason": "What is wrong with this message?",
  "reason.insult": "Insults or harasses",
  "reason.hate": "Hate or discrimination",
  "reason.threat": "Threatens",
  "reason.sexual": "Sexual content",
  "reason.scam": "Looks like a scam",
  "reason.off_platform": "Wants to leave the platform",
  "reason.spam": "Advertising or spam",
  "reason.other": "Something else",
  "report.send": "Report",
  "report.done": "Thank you. We will look at it.",

  "cancel": "Cancel",
  "close": "Close",
  "net.connecting": "Connecting…",
  "net.offline": "You are offline. You can keep writing.",
  "net.back": "Back online",
  "net.retry": "Connect now",
  "stop.unauthenticated": "Your access has expired. Reload the page.",
  "stop.forbidden": "This chat is not available to you.",
  "stop.elsewhere": "This chat is open in another window.",
  "stop.here": "Use it here",
  "stop.error": "The chat has stopped because of an error.",
  "problem.muted": "You cannot write in this chat right now.",
  "problem.rate_limited": "That was fast. Please wait a moment.",
  "problem.too_long": "The message is too long.",
  "problem.not_found": "This is no longer available.",
  "problem.forbidden": "You cannot do this here.",
  "problem.unavailable": "The service does not answer. Please try again in a moment.",
  "problem.storage_full": "The service does not answer. Please try again in a moment.",
  "problem.offline": "You are offline. Try again when you are back.",
  "problem.unknown": "That did not work. Please try again.",
};

/** @type {typeof es} */
const pt = {
  "brand": "a marca",
  "chat": "Chat",
  "log": "Mensagens",
  "empty": "Ainda não há mensagens. Diga olá para começar.",
  "loading": "Carregando mensagens…",
  "older": "Carregando mensagens anteriores…",
  "older.failed": "Não foi possível carregar as mensagens anteriores.",
  "start": "A conversa começa aqui",
  "retry": "Tentar de novo",
  "you": "Você",
  "someone": "Alguém que já saiu",

  "role.buyer": "Compra",
  "role.seller": "Vende",
  "role.provider": "Serviço",
  "role.agent": "Equipe de {brand}",
  "role.bot": "Assistente automático",
  "stage.enquiry": "Consulta",
  "stage.negotiation": "Negociação",
  "stage.ordered": "Pedido confirmado",
  "stage.delivered": "Entregue",
  "stage.dispute": "Em disputa",

  "people": "Pessoas no chat",
  "people.and": "{names} e você",
  "online": "online",
  "brand.silent": "{brand} não está no chat",
  "brand.waiting": "{brand} está a caminho",
  "brand.here": "{name} está aqui",

  "composer": "Escreva uma mensagem",
  "composer.hint": "Enter envia, Shift com Enter faz uma linha nova.",
  "composer.left": "Você não está mais neste chat.",
  "send": "Enviar",
  "attach": "Anexar",
  "attachment.remove": "Remover {name}",
  "count.one": "Resta {n} caractere",
  "count.other": "Restam {n} caracteres",
  "count.over.one": "{n} caractere a mais",
  "count.over.other": "{n} caracteres a mais",
  "typing.1": "{a} está escrevendo…",
  "typing.2": "{a} e {b} estão escrevendo…",
  "typing.more": "Várias pessoas estão escrevendo…",
  "suggestions": "Respostas sugeridas",
  "suggestions.dismiss": "Dispensar estas sugestões",
  "suggestions.off": "Não sugerir respostas",
  "suggestions.on": "Sugerir respostas",

  "state.sending": "Enviando…",
  "state.saving": "Salvando…",
  "state.waiting": "Será enviada quando a conexão voltar",
  "state.sent": "Enviada",
  "state.delivered": "Entregue",
  "state.read": "Lida",
  "state.read.of": "Lida por {n} de {of}",
  "state.read.by": "Lida por {names}",
  "state.held": "Em análise. Avisamos assim que alguém olhar.",
  "state.masked": "Ocultamos uma parte.",
  "state.masked.word": "Ocultamos uma palavra.",
  "state.advised": "Vamos dizer de outro jeito?",
  "state.refused": "Não foi enviada.",
  "state.removed": "Mensagem removida",
  "state.edited": "editada",
  "why": "Ver por quê",
  "why.hide": "Ocultar",
  "covered": "oculto",
  "edit": "Editar",
  "edit.editing": "Editando sua mensagem",
  "edit.cancel": "Parar de editar",
  "send.anyway": "Enviar assim",
  "rewrite": "Usar isto:",
  "discard": "Descartar",
  "appeal": "Pedir outra análise",
  "appeal.done": "Pedimos outra análise.",

  "menu": "Ações da mensagem",
  "reply": "Responder",
  "reply.to": "Respondendo a {name}",
  "reply.cancel": "Tirar a resposta",
  "reply.gone": "Mensagem anterior",
  "copy": "Copiar",
  "copied": "Copiado",
  "retract": "Apagar",
  "retract.title": "Apagar esta mensagem?",
  "retract.text": "Ninguém poderá ler. Não dá para desfazer.",
  "react": "Reagir",
  "react.with": "Reagir com {emoji}",
  "react.by": "{emoji} de {names}",
  "attachment": "Anexo: {name}",

  "unread.one": "{n} mensagem nova",
  "unread.other": "{n} mensagens novas",
  "unread.mark": "Mensagens novas",
  "bottom": "Ir para o fim",
  "today": "Hoje",
  "yesterday": "Ontem",

  "note.joined.one": "{names} entrou",
  "note.joined.other": "{names} entraram",
  "note.left": "{name} saiu",
  "note.removed": "{name} não está mais no chat",
  "note.requested": "{name} convidou {brand}",
  "note.agent": "{name} entrou em nome de {brand}",
  "note.agent.left": "{name} saiu. O chat continua.",
  "note.withdrawn": "{name} cancelou o convite a {brand}",
  "note.expired": "O convite a {brand} expirou",

  "invite": "Convidar {brand}",
  "invite.short": "Convidar",
  "invite.title": "Convidar {brand}",
  "invite.what": "Alguém da equipe entra neste chat como mais uma pessoa. Ninguém sai e a conversa continua sendo de vocês.",
  "invite.sees": "Vai ver o título, o motivo e a sua nota. Quando entrar, vê o que for escrito a partir daí; do que veio antes, só as palavras de quem concordar.",
  "invite.topic": "O que aconteceu?",
  "topic.question": "Tenho uma dúvida",
  "topic.delivery": "Entrega ou envio",
  "topic.payment": "Pagamento ou reembolso",
  "topic.disagreement": "Não chegamos a um acordo",
  "topic.safety": "Não me sinto em segurança",
  "topic.other": "Outra coisa",
  "note": "Nota (opcional)",
  "invite.note.hint": "Só a equipe de {brand} vai ler.",
  "invite.share": "Compartilhar também o que escrevi antes",
  "invite.send": "Enviar convite",
  "invite.waiting": "{brand} está a caminho. Vocês podem continuar conversando.",
  "invite.waiting.since": "Convite enviado {ago}",
  "invite.withdraw": "Cancelar convite",
  "consent.title": "{name} convidou {brand}",
  "consent.text": "{topic}. Podem ler o que você escreveu antes?",
  "consent.yes": "Compartilhar",
  "consent.no": "Não compartilhar",
  "consent.shared": "{brand} pode ler o que você escreveu antes.",
  "consent.private": "{brand} não pode ler o que você escreveu antes.",
  "consent.change.no": "Parar de compartilhar",
  "rate.title": "{name} ajudou você?",
  "rate.stars.one": "{n} estrela",
  "rate.stars.other": "{n} estrelas",
  "rate.low": "Nada",
  "rate.high": "Muito",
  "rate.send": "Enviar avaliação",
  "rate.thanks": "Obrigado por contar para nós.",
  "later": "Agora não",
  "leave": "Sair do chat",
  "leave.title": "Sair do chat?",
  "leave.text": "A conversa continua sem você.",

  "report": "Denunciar",
  "report.title": "Denunciar esta mensagem",
  "report.text": "Uma pessoa da equipe vai olhar. Ninguém no chat saberá que foi você.",
  "report.reason": "O que há com esta mensagem?",
  "reason.insult": "Insulta ou assedia",
  "reason.hate": "Ódio ou discriminação",
  "reason.threat": "Ameaça",
  "reason.sexual": "Conteúdo sexual",
  "reason.scam": "Parece golpe",
  "reason.off_platform": "Quer sair da plataforma",
  "reason.spam": "Propaganda ou spam",
  "reason.other": "Outra coisa",
  "report.send": "Denunciar",
  "report.done": "Obrigado. Vamos olhar.",

  "cancel": "Cancelar",
  "close": "Fechar",
  "net.connecting": "Conectando…",
  "net.offline": "Sem conexão. Você pode continuar escrevendo.",
  "net.back": "Conectado de novo",
  "net.retry": "Conectar agora",
  "stop.unauthenticated": "Seu acesso expirou. Recarregue a página.",
  "stop.forbidden": "Este chat não está disponível para você.",
  "stop.elsewhere": "Este chat está aberto em outra janela.",
  "stop.here": "Usar aqui",
  "stop.error": "O chat parou por causa de um erro.",
  "problem.muted": "Agora você não pode escrever neste chat.",
  "problem.rate_limited": "Você está indo muito rápido. Espere um momento.",
  "problem.too_long": "A mensagem é longa demais.",
  "problem.not_found": "Não está mais disponível.",
  "problem.forbidden": "Você não pode fazer isso aqui.",
  "problem.unavailable": "O serviço não responde. Tente de novo daqui a pouco.",
  "problem.storage_full": "O serviço não responde. Tente de novo daqui a pouco.",
  "problem.offline": "Sem conexão. Tente quando ela voltar.",
  "problem.unknown": "Não foi possível. Tente de novo.",
};

/** @typedef {keyof typeof es} Key */

export const WORDS = { es, en, pt };

/**
 * The nearest language that we speak.
 * @param {...(string | null | undefined)} wishes BCP 47 tags, most wanted first
 * @returns {Lang}
 */
export function nearest(...wishes) {
  for (const wish of wishes) {
    const lang = LANGS.find((known) => wish?.toLowerCase().split("-")[0] === known);
    if (lang) return lang;
  }
  return "en";
}

/** Speaks one language. */
export class Voice {
  /**
   * @param {Lang} lang
   * @param {string} brand the host's name for the brand, or nothing
   */
  constructor(lang, brand = "") {
    this.lang = lang;
    this.brand = brand || WORDS[lang].brand;
    this.plural = new Intl.PluralRules(lang);
    this.list = new Intl.ListFormat(lang, { type: "conjunction" });
    this.number = new Intl.NumberFormat(lang);
    this.clock = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit" });
    this.moment = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });
    this.weekday = new Intl.DateTimeFormat(lang, { weekday: "long", day: "numeric", month: "long" });
    this.date = new Intl.DateTimeFormat(lang, { day: "numeric", month: "long", year: "numeric" });
    this.relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: "short" });
  }

  /**
   * @param {string} key
   * @returns {key is Key}
   */
  knows(key) {
    return Object.hasOwn(WORDS[this.lang], key);
  }

  /**
   * @param {string} key a Key, or the stem of a pair `.one`, `.other`
   * @param {Record<string, string | number>} values
   * @returns {string} with a capital at its start, as the brand's name may come first
   */
  say(key, values = {}) {
    const words = /** @type {Record<string, string>} */ (WORDS[this.lang]);
    const pattern = words[key] ?? words[`${key}.${this.plural.select(Number(values.n)) === "one" ? "one" : "other"}`];
    const filled = pattern.replace(/\{(\w+)\}/g, (_, name) => {
      const value = name === "brand" ? this.brand : values[name];
      return typeof value === "number" ? this.number.format(value) : String(value);
    });
    const text = this.brand === WORDS.pt.brand ? contract(filled) : filled;
    return pattern.startsWith("{") && key !== "react.by" ? text.charAt(0).toLocaleUpperCase(this.lang) + text.slice(1) : text;
  }

  /** @param {string[]} names */
  join(names) {
    return this.list.format(names);
  }

  /**
   * @param {number} at
   * @param {number} now
   */
  day(at, now) {
    const days = Math.round((midnight(now) - midnight(at)) / 86_400_000);
    if (days === 0) return this.say("today");
    if (days === 1) return this.say("yesterday");
    const text = (days > 1 && days < 180 ? this.weekday : this.date).format(at);
    return text.charAt(0).toLocaleUpperCase(this.lang) + text.slice(1);
  }

  /**
   * @param {number} at
   * @param {number} now
   */
  ago(at, now) {
    const minutes = Math.max(0, Math.round((now - at) / 60_000));
    if (minutes < 60) return this.relative.format(-minutes, "minute");
    if (minutes < 48 * 60) return this.relative.format(-Math.round(minutes / 60), "hour");
    return this.relative.format(-Math.round(minutes / 1440), "day");
  }
}

/**
 * Portuguese joins `de` and `a` with the article of "a marca"; a name of the host's own stays as it is.
 * @param {string} text
 */
function contract(text) {
  return text.replace(/\bde a marca\b/g, "da marca").replace(/ a a marca\b/g, " à marca");
}

/** @param {number} at */
function midnight(at) {
  return new Date(at).setHours(0, 0, 0, 0);
}
