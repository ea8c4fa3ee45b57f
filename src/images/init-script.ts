/**
 * The first program of the ramdisk. It prepares a small system, then runs what the kernel command line asks for:
 * - `hostrock.exec=BASE64`: a shell script; its exit status is reported on the console as `hostrock.exit=STATUS`
 * - the file /hostrock/exec, for scripts that do not fit there, when a further ramdisk brings one
 * - otherwise an interactive shell
 * and powers the machine off. Also read: `hostrock.hostname=NAME` and `hostrock.size=ROWSxCOLUMNS`, the size of
 * the terminal that shows the console, and `hostrock.input=pipe`: nobody types there, so the shell neither prompts nor
 * echoes, and ends with its input. `TERM=...` reaches the shell by the kernel's own doing.
 *
 * Each external command costs a process, which an emulated machine feels: the shell's own means are preferred.
 */
export const InitScript = `#!/bin/sh
set -f
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root USER=root LOGNAME=root SHELL=/bin/sh PS1='\\u@\\h:\\w\\$ ' PS2='> '

# Busybox's poweroff, reboot and halt ask the first process; so does the kernel, by /sbin/poweroff and /sbin/reboot,
# when the hypervisor wants it. Output may still wait in the terminal: setting its mode returns when it is out.
finish() {
  stty sane < /dev/console 2> /dev/null
  busybox "$1" -f
}
trap 'finish poweroff' USR2
trap 'finish reboot' TERM
trap 'finish halt' USR1

mount -t proc proc /proc
hostname=hostrock command= size= input=
read -r words < /proc/cmdline
for word in $words; do
  case $word in
    hostrock.exec=*) command=\${word#*=} ;;
    hostrock.hostname=*) hostname=\${word#*=} ;;
    hostrock.size=*) size=\${word#*=} ;;
    hostrock.input=*) input=\${word#*=} ;;
  esac
done
# Without echo the shell leaves the editing of lines to the terminal.
if [ "$input" = pipe ]; then stty -echo; PS1= PS2=; fi

mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
for folder in /dev/shm /run /tmp; do mount -t tmpfs tmpfs $folder; done

echo "$hostname" > /proc/sys/kernel/hostname
ip link set lo up

# The drivers in the load list speak to Xen only.
hypervisor= release=
read -r hypervisor 2> /dev/null < /sys/hypervisor/type
read -r release < /proc/sys/kernel/osrelease
modules=/lib/modules/$release
if [ "$hypervisor" = xen ] && [ -e "$modules/hostrock.load" ]; then
  while read -r module; do insmod "$modules/$module"; done < "$modules/hostrock.load"
fi

case $size in
  [0-9]*x[0-9]*) stty rows "\${size%x*}" cols "\${size#*x}" < /dev/console ;;
esac

script=
if [ -n "$command" ]; then
  script=/run/hostrock.exec
  echo "$command" | base64 -d > $script
elif [ -e /hostrock/exec ]; then
  script=/hostrock/exec
fi

# While a shell waits for a command in the foreground it serves no trap, and one in the background would ignore
# interrupts from the keyboard. So the session is detached by the second setsid, which has to fork, and is waited for
# by way of a pipe.
cd /root
mkfifo /run/session
cat /run/session > /run/status &
setsid setsid cttyhack sh -c 'trap : INT; sh "$@" 9>&-; echo $? $$ >&9' session \${script:--l} < /dev/console 9> /run/session
wait $!
read -r status leader < /run/status

# The end of the session's leader hangs the terminal up, which throws away what waits there to be shown.
while read -r state 2> /dev/null < "/proc/$leader/stat"; do
  case $state in *') Z '*) break ;; esac
done
[ -z "$script" ] || printf '\\nhostrock.exit=%d\\n' "\${status:-137}"
finish poweroff
`;

/**
 * The ramdisk's poweroff and reboot. Busybox's send the first process a signal, which is lost before that has a trap for it; the
 * kernel runs these, when the hypervisor wants it, as soon as there is a ramdisk. So they ask again until they are obeyed.
 */
export const PowerScripts = Object.fromEntries(
  ['poweroff', 'reboot'].map((name) => [
    name,
    `#!/bin/sh
[ $# -eq 0 ] || exec busybox ${name} "$@"
while busybox ${name}; do sleep 1; done
`,
  ]),
);
