# The workspace image with a shell, for tests whose agent is a shell command. Built by `image.sh --test`.
FROM molecule-workspace
COPY busybox /bin/busybox
USER 0:0
RUN ["/bin/busybox", "--install", "-s", "/bin"]
USER 1000:1000
