// Loaded first (node --import): a server that names no host listens on loopback only, not on all interfaces.
import net from 'node:net'

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...args) {
  const [first, second] = args
  if (/^\d+$/.test(String(first))) {
    if (typeof second !== 'string') args.splice(1, 0, '127.0.0.1')
  } else if (first?.port !== undefined && !first.host && !first.path) {
    args[0] = { ...first, host: '127.0.0.1' }
  }
  return listen.apply(this, args)
}
