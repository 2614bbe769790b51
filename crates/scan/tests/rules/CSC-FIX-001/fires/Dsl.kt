package app

import org.springframework.security.config.annotation.web.invoke

@Configuration
class SecurityConfig {
    @Bean
    fun chain(http: HttpSecurity): SecurityFilterChain {
        http {
            formLogin { }
            sessionManagement {
                sessionFixation { none() }
            }
        }
        return http.build()
    }
}
