/** The texts that a learner reads, in the language of the front end. */

const ENGLISH = {
  sending: 'Sending',
  waiting: '{count} waiting',
  off: 'Off',
  connecting: 'Connecting',
  button: 'Learntrace: {word}',
  title: 'What is sent to Learntrace',
  close: 'Close',
  'about.sending':
    'Your teachers are told when you run a cell and whether it worked, with the name and message of an error; and when you open, save or leave a notebook, select, add or remove cells, interrupt or restart the kernel, or paste text. Other outputs and what you paste are never sent.',
  'about.waiting': 'Events wait on this computer or its Jupyter server until they can be sent.',
  'about.off': 'Nothing is recorded.',
  'reason.not-configured': 'No Learntrace server is set here.',
  'reason.not-installed': 'The Jupyter server has no Learntrace extension, or it is disabled.',
  'reason.opted-out': 'You have turned it off.',
  'reason.server-away': 'Learntrace can’t be reached at the moment.',
  'reason.refused': 'Learntrace refuses the events of this Jupyter server.',
  'reason.spool-full': 'The Jupyter server can’t keep more events until Learntrace takes some.',
  'reason.jupyter-away': 'The Jupyter server doesn’t answer; your browser keeps the events meanwhile.',
  'reason.jupyter-refuses':
    'The Jupyter server refuses this page: are you still signed in? Your browser keeps the events meanwhile.',
  server: 'Server',
  actor: 'Account',
  actorIn: '{actor}, {academy}',
  held: 'Waiting',
  sent: 'Sent',
  rejected: 'Rejected',
  lastSent: 'Last sent',
  never: 'not yet',
  source: 'Your code',
  sourceSent: 'is sent with each execution',
  sourceHashed: 'is not sent, only a fingerprint that tells whether it changed',
  example: 'The last event of this page',
  noExample: 'No event from this page yet.',
  collect: 'Send my events',
  choiceFailed: 'That couldn’t be changed: {reason}',
  handTitle: 'Do you need help?',
  handAbout: 'Your teachers see your hand right away.',
  handText: 'Your question (optional)',
  handRaise: 'Raise hand',
  handUp: 'Your hand is up.',
  handNext: 'You are next.',
  'handBefore.one': '{count} person is ahead of you.',
  'handBefore.many': '{count} people are ahead of you.',
  handHelped: '{who} is helping you.',
  somebody: 'Somebody',
  handTakeBack: 'Lower hand',
  handFailed: 'That didn’t work: {reason}',
  buttonWithHand: 'Learntrace: {word}. {hand}'
};

export type TextKey = keyof typeof ENGLISH;

const SPANISH: Record<TextKey, string> = {
  sending: 'Enviando',
  waiting: '{count} en espera',
  off: 'Desactivado',
  connecting: 'Conectando',
  button: 'Learntrace: {word}',
  title: 'Qué se envía a Learntrace',
  close: 'Cerrar',
  'about.sending':
    'Tus docentes saben cuándo ejecutas una celda y si ha funcionado, con el nombre y el mensaje del error si lo hay; y cuándo abres o guardas un cuaderno o sales de él, seleccionas, añades o quitas celdas, interrumpes o reinicias el kernel o pegas texto. Las demás salidas y lo que pegas no se envían nunca.',
  'about.waiting': 'Los eventos esperan en este equipo o en su servidor de Jupyter hasta que se puedan enviar.',
  'about.off': 'No se registra nada.',
  'reason.not-configured': 'Aquí no se ha configurado ningún servidor de Learntrace.',
  'reason.not-installed': 'El servidor de Jupyter no tiene la extensión de Learntrace o está desactivada.',
  'reason.opted-out': 'Lo has desactivado.',
  'reason.server-away': 'En este momento no se puede contactar con Learntrace.',
  'reason.refused': 'Learntrace rechaza los eventos de este servidor de Jupyter.',
  'reason.spool-full': 'El servidor de Jupyter no puede guardar más eventos hasta que Learntrace reciba algunos.',
  'reason.jupyter-away': 'El servidor de Jupyter no responde; mientras tanto, tu navegador guarda los eventos.',
  'reason.jupyter-refuses':
    'El servidor de Jupyter rechaza esta página: ¿sigues con la sesión iniciada? Mientras tanto, tu navegador guarda los eventos.',
  server: 'Servidor',
  actor: 'Cuenta',
  actorIn: '{actor}, {academy}',
  held: 'En espera',
  sent: 'Enviados',
  rejected: 'Rechazados',
  lastSent: 'Último envío',
  never: 'todavía ninguno',
  source: 'Tu código',
  sourceSent: 'se envía con cada ejecución',
  sourceHashed: 'no se envía, solo una huella que indica si ha cambiado',
  example: 'El último evento de esta página',
  noExample: 'Todavía no hay ningún evento de esta página.',
  collect: 'Enviar mis eventos',
  choiceFailed: 'No se ha podido cambiar: {reason}',
  handTitle: '¿Necesitas ayuda?',
  handAbout: 'Tus docentes ven tu mano al momento.',
  handText: 'Tu pregunta (opcional)',
  handRaise: 'Levantar la mano',
  handUp: 'Has levantado la mano.',
  handNext: 'Tu turno es el siguiente.',
  'handBefore.one': '{count} persona delante de ti.',
  'handBefore.many': '{count} personas delante de ti.',
  handHelped: '{who} te está ayudando.',
  somebody: 'Alguien',
  handTakeBack: 'Bajar la mano',
  handFailed: 'No ha funcionado: {reason}',
  buttonWithHand: 'Learntrace: {word}. {hand}'
};

const TEXTS: Record<string, Record<TextKey, string>> = { en: ENGLISH, es: SPANISH };

/** The supported language of the page, which front ends set to the chosen one, or else of the browser. */
export function language(): string {
  const wanted = (document.documentElement.lang || navigator.language).slice(0, 2).toLowerCase();
  return wanted in TEXTS ? wanted : 'en';
}

/** A text with its `{places}` filled. */
export function text(key: TextKey, values: Record<string, string | number> = {}): string {
  return TEXTS[language()][key].replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}

/** The text of a reason; empty for an unknown or empty one. */
export function reasonText(reason: string): string {
  const key = `reason.${reason}`;
  return key in ENGLISH ? text(key as TextKey) : '';
}

/** A date and time in the reader's format. */
export function momentText(iso: string): string {
  return new Date(iso).toLocaleString(language() === 'en' ? 'en-GB' : language(), {
    dateStyle: 'medium',
    timeStyle: 'medium'
  });
}
