/**
 * The first program of the machines that are measured, and the one in the chroot(2) for native runs: a bash script that takes
 * commands from its standard input, a line each, and answers each with a line that begins with @.
 *
 *     run NAME    runs /bench/run/NAME, then @end STATUS REAL USER SYSTEM (seconds by the clock in there); STATUS is 255 if it
 *                 wrote to its standard error
 *     sum         @sum MD5 of what the last program printed
 *     show        the end of what the last program printed, then @shown
 */
const LOOP = `export PATH=/usr/sbin:/usr/bin LC_ALL=C HOME=/tmp PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
TIMEFORMAT='%3R %3U %3S'
echo @ready
while read -r verb name; do
  case $verb in
    run)
      mkdir /tmp/work
      cd /tmp/work
      { time dash -e "/bench/run/$name" > /tmp/printed 2> /tmp/errors < /dev/null; } 2> /tmp/times
      status=$?
      read -r times < /tmp/times
      if [ -s /tmp/errors ]; then status=255; cat /tmp/errors >> /tmp/printed; fi
      echo "@end $status $times"
      cd /
      rm -rf /tmp/work
      ;;
    sum)
      sum=$(md5sum < /tmp/printed)
      echo "@sum \${sum%% *}"
      ;;
    show)
      tail -c 1000 /tmp/printed
      printf '\\n@shown\\n'
      ;;
  esac
done
`;

/** For a machine, as /init. Its console neither echoes nor changes line ends. */
export const guestDriver = `#!/usr/bin/bash
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
busybox mount -t tmpfs tmpfs /tmp
stty -echo -onlcr
${LOOP}busybox poweroff -f
`;

/** For a chroot(2) whose /dev is there. */
export const nativeDriver = `#!/usr/bin/bash
${LOOP}`;
