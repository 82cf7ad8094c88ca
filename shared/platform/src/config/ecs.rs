//! The settings of tasks on ECS.

use super::{
    ConfigError, ECS_ASSIGN_PUBLIC_IP, ECS_CLUSTER, ECS_EXECUTION_ROLE_ARN, ECS_LAUNCH, ECS_LOG_GROUP,
    ECS_SECURITY_GROUPS, ECS_SUBNETS, ECS_TASK_ROLE_ARN, Reader, error,
};

/// What tasks run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EcsLaunch {
    /// Fargate.
    Fargate,
    /// EC2 instances, by a capacity provider of the cluster.
    CapacityProvider(String),
}

/// Where and as what tasks run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcsSettings {
    /// The cluster, by name or ARN.
    pub cluster: String,
    /// The subnets of the tasks, at least one.
    pub subnets: Vec<String>,
    /// Their security groups, at least one.
    pub security_groups: Vec<String>,
    /// Tasks have a public address, which a task in a public subnet needs to reach its image and the API.
    pub assign_public_ip: bool,
    /// What they run on.
    pub launch: EcsLaunch,
    /// Pulls images and writes logs; ECS needs it on Fargate.
    pub execution_role_arn: Option<String>,
    /// What the agents themselves may do; the stack's allows nothing.
    pub task_role_arn: Option<String>,
    /// Where their output goes.
    pub log_group: String,
}

impl EcsSettings {
    pub(super) fn read(read: &Reader<'_>) -> Result<Self, ConfigError> {
        let missing = |variable| error(variable, "is required when PROVISIONER is ecs");
        let list =
            |variable| Some(read.list(variable)).filter(|list| !list.is_empty()).ok_or_else(|| missing(variable));
        let launch = match read.text(&ECS_LAUNCH) {
            name if name.eq_ignore_ascii_case("FARGATE") => EcsLaunch::Fargate,
            name => EcsLaunch::CapacityProvider(name),
        };
        let execution_role_arn = read.optional(&ECS_EXECUTION_ROLE_ARN);
        if launch == EcsLaunch::Fargate && execution_role_arn.is_none() {
            return Err(error(&ECS_EXECUTION_ROLE_ARN, "is required on Fargate"));
        }
        Ok(Self {
            cluster: read.optional(&ECS_CLUSTER).ok_or_else(|| missing(&ECS_CLUSTER))?,
            subnets: list(&ECS_SUBNETS)?,
            security_groups: list(&ECS_SECURITY_GROUPS)?,
            assign_public_ip: read.one_of(&ECS_ASSIGN_PUBLIC_IP, &["true", "false"])? == "true",
            launch,
            execution_role_arn,
            task_role_arn: read.optional(&ECS_TASK_ROLE_ARN),
            log_group: read.optional(&ECS_LOG_GROUP).ok_or_else(|| missing(&ECS_LOG_GROUP))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::super::tests::vars;
    use super::*;

    const SET: [(&str, &str); 7] = [
        ("MOLECULE_ENV", "development"),
        ("PROVISIONER", "ecs"),
        ("ECS_CLUSTER", "molecule"),
        ("ECS_SUBNETS", "subnet-1, subnet-2"),
        ("ECS_SECURITY_GROUPS", "sg-1"),
        ("ECS_EXECUTION_ROLE_ARN", "arn:aws:iam::111122223333:role/execution"),
        ("ECS_LOG_GROUP", "/molecule/workspaces"),
    ];

    #[test]
    fn fargate_without_a_public_address_is_the_default() {
        let settings = Config::from_map(&vars(&SET)).unwrap().engine.ecs.unwrap();
        assert_eq!(settings.launch, EcsLaunch::Fargate);
        assert_eq!(settings.subnets, ["subnet-1", "subnet-2"]);
        assert!(!settings.assign_public_ip);
        let mut set = vars(&SET);
        set.insert("ECS_LAUNCH".to_owned(), "gpus".to_owned());
        set.remove("ECS_EXECUTION_ROLE_ARN");
        let settings = Config::from_map(&set).unwrap().engine.ecs.unwrap();
        assert_eq!(settings.launch, EcsLaunch::CapacityProvider("gpus".to_owned()));
    }

    #[test]
    fn what_ecs_needs_is_asked_for_with_ecs_only() {
        for (name, _) in SET.iter().skip(2) {
            let mut set = vars(&SET);
            set.remove(*name);
            assert_eq!(Config::from_map(&set).unwrap_err().name, *name);
            set.remove("PROVISIONER");
            assert!(Config::from_map(&set).unwrap().engine.ecs.is_none(), "{name}");
        }
    }
}
