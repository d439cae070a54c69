# Rotate every hour what is due. Nomad logs in to Vault by workload identity, passes the token on and renews it, so the
# policy's two rules about the job's own token may be left out.
#
# Once, by an operator: write policy.hcl as the policy `lockstep`, and a role `lockstep` for the workload identity of
# this job (see Nomad's page on Vault workload identity) with token_policies=lockstep.
job "lockstep" {
  type = "batch"

  periodic {
    crons            = ["17 * * * *"]
    prohibit_overlap = true
  }

  group "rotate" {
    restart {
      attempts = 0
      mode     = "fail"
    }

    task "run" {
      driver       = "docker"
      kill_timeout = "60s"

      vault {
        role = "lockstep"
      }

      config {
        # Nomad ends no batch task by itself: with `timeout`, a host or a server that keeps the run waiting does not
        # hold it past the next hour's.
        # Built from the Dockerfile beside this file; named by its digest, because a tag can be moved.
        image   = "registry.example/lockstep@sha256:0000000000000000000000000000000000000000000000000000000000000000"
        command = "timeout"
        args    = ["--kill-after=60", "3000", "lockstep", "vault", "run", "--prefix", "prod/apps", "--json"]
      }

      env {
        VAULT_ADDR                             = "https://vault.example:8200"
        LOCKSTEP_VAULT_TOKEN_FILE              = "${NOMAD_SECRETS_DIR}/vault_token"
        LOCKSTEP_VAULT_MOUNT                   = "secret"
        LOCKSTEP_DRIVERS                       = "ucloud_compshare,huawei_meeting"
        LOCKSTEP_UCLOUD_COMPSHARE_ADMIN_SECRET = "prod/admin/ucloud_compshare"
      }

      resources {
        cpu    = 200
        memory = 128
      }
    }
  }
}
